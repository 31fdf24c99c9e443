// Socket.IO's own server, which passes what it is told on to a room, and lets whoever comes back have what they missed.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  perMessageDeflate: false,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
});

io.on("connection", (socket) => {
  socket.on("join", async (feed, after, joined) => {
    await socket.join(feed);
    joined();
  });
  socket.on("tell", (feed, first, count, event, done) => {
    for (let sequence = first; sequence < first + count; sequence++) {
      io.to(feed).emit("event", { ...event, sequence });
    }
    done();
  });
});

http.listen(Number(process.env.PEER_PORT), "127.0.0.1", 1024);
process.stdin.resume().on("end", () => process.exit());
