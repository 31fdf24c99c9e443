DROP TABLE reaudits;
