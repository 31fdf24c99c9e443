// Written by generate.py out of the server's structs; `make types` writes it anew.
/* A decimal number is a string such as "8205797.76", a time RFC 3339, an id a UUID. */
import type { Schema } from "./validation.js";

/** Accept the role that the acting account was offered. */
export interface AcceptInvitation {
  type: "project.accept_invitation";
  project_id: string;
}

/** An account as its owner sees it. `email` and `name` are null once the person's data was erased. */
export interface AccountDetails {
  account_id: string;
  email: string | null;
  name: string | null;
  plan: "business" | "enterprise" | "pro" | "user";
  admin: boolean;
  status: "active" | "erased" | "pending" | "suspended";
  suspended_because: string | null;
  tokens: readonly (TokenInfo)[];
  created_at: string;
  updated_at: string;
  password_changed_at: string;
}

/** The client is done with a feed's events up to `sequence`: more may travel. */
export interface Acknowledge {
  op: "ack";
  feed: string;
  sequence: number;
  id?: number | string | null;
}

/** Hold the budget's prices against a document of the project: its estimate, or what a bidder offers. Without a `bidder`, a bid is called by its file's name. Naming a document again changes what it is. */
export interface AddComparison {
  type: "comparison.add";
  project_id: string;
  document_id: string;
  compared_as: "bid" | "estimate";
  bidder?: string;
}

/** Add a position behind the last one, or behind `after`. */
export interface AddPosition {
  type: "position.add";
  project_id: string;
  position_id?: string;
  fields: Edit;
  after?: string | null;
}

/** A position to add behind the last one, or behind `after`, which may be an addition before it. */
export interface Addition {
  position_id: string;
  fields: Edit;
  after?: string | null;
}

/** Nothing that is wanted came up to `sequence`: subscribing again from there misses nothing. */
export interface Advanced {
  op: "advanced";
  feed: string;
  sequence: number;
}

/** Both caches, and what follows from them. */
export interface AllCacheStats {
  contracts: CacheStats;
  properties: CacheStats;
  efficiency: Efficiency;
  last_updated: string | null;
}

/** What one socket may do. */
export interface Allowance {
  message_bytes: number;
  messages_per_second: number;
  burst: number;
  feeds: number;
  in_flight: number;
}

/** The result is stored. */
export interface AnalysisCompleted {
  analysis_id: string;
  kind: "contract" | "property";
  job_id: string;
  result_hash: string;
  found: Readonly<Record<string, number>>;
  missing?: readonly (string)[];
  language?: string;
  pages?: number;
}

/** There is no result. */
export interface AnalysisFailed {
  analysis_id: string;
  kind: "contract" | "property";
  job_id: string;
  error_code: string;
  error: string;
}

/** An analysis. `found` counts the facts of each field, `missing` names the fields that there are none of. */
export interface AnalysisItem {
  analysis_id: string;
  kind: "contract" | "property";
  content_hash: string;
  status: "completed" | "failed" | "running" | "stopped";
  found: Readonly<Record<string, number>>;
  missing: readonly (string)[];
  language: string;
  pages: number;
  error_code: string | null;
  error: string | null;
  created_at: string;
  last_updated: string;
}

/** Carry a submitted variation out, all of it, as one version of its name. With `expected_revision`, only if nobody revised it since. */
export interface ApproveVariation {
  type: "variation.approve";
  project_id: string;
  variation_id: string;
  expected_revision?: number | null;
}

/** Close the project for changes; it stays readable. An administrator of the installation may do this, too. */
export interface ArchiveProject {
  type: "project.archive";
  project_id: string;
}

/** The project is closed for changes. */
export interface Archived {
  project_id: string;
}

/** Answer a query. */
export interface Ask {
  op: "query";
  id: number | string;
  query: unknown;
}

/** Let a project's audits use it. Takes an owner or editor of the project, and counts while they are that. */
export interface AttachCatalogue {
  type: "catalogue.attach";
  account_id: string;
  catalogue_id: string;
  project_id: string;
}

/** An account has a claim on it. `hit`: it was there already, or under way. */
export interface Attached {
  analysis_id: string;
  kind: "contract" | "property";
  account_id: string;
  hit?: boolean;
}

/** It was stopped before its end. */
export interface AuditCancelled {
  project_id: string;
  audit_id: string;
}

/** All positions have a verdict. `verdicts` counts them, `rules` counts those of each rule. */
export interface AuditCompleted {
  project_id: string;
  audit_id: string;
  version: number;
  verdicts: Readonly<Record<string, number>>;
  rules: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Audits have other parameters from now on. */
export interface AuditConfigured {
  project_id: string;
  settings: AuditSettings;
}

/** An audit with its rules, in the order of a verdict's `outcomes`, and the parameters that they had. `settings` is null for audits from before there were parameters. */
export interface AuditDetails {
  audit_id: string;
  status: "cancelled" | "completed" | "running";
  version: number;
  looked: number;
  previous: string | null;
  verdicts: Readonly<Record<string, number>>;
  overrides: number;
  conflicts: readonly (Conflict)[];
  started_by: string;
  started_at: string;
  started_position: number;
  ended_at: string | null;
  settings: AuditSettings | null;
  rules: readonly (RuleTold)[];
}

/** An audit of `version`. `verdicts` counts positions as they are judged now, `overrides` what people changed. `previous` is the audit before, whose overrides went on to count. While it runs, `looked` says how many positions were looked at. */
export interface AuditItem {
  audit_id: string;
  status: "cancelled" | "completed" | "running";
  version: number;
  looked: number;
  previous: string | null;
  verdicts: Readonly<Record<string, number>>;
  overrides: number;
  conflicts: readonly (Conflict)[];
  started_by: string;
  started_at: string;
  started_position: number;
  ended_at: string | null;
}

/** The parameters of the rules. Every audit records those that it used, defaults included. `profile` names the table of exposure classes (`domain.experts.exposures`), `design_life` is in years. `priced_on` says which VAT rates held; without it, those of today. `price_spread` and `price_spread_red` are highest by lowest price of one code. `outlier_score` is a modified z-score, looked at from `outlier_prices` different prices of a unit on. `dominant_share` and `lump_share` are parts of 1. `unbalance` is how far a price may be from where its reference and the whole bill's level put it, as a part of 1. `catalogue_band` is how far it may be from a catalogue's, `catalogue_band_red` how far above, and `price_age` how many days old that may be. Rebar is in kg, formwork in m² per m³ of concrete. */
export interface AuditSettings {
  profile?: "cz" | "en206" | "tkp17";
  design_life?: 50 | 100;
  priced_on?: string | null;
  price_spread?: string;
  price_spread_red?: string;
  outlier_score?: string;
  outlier_prices?: number;
  dominant_share?: string;
  lump_share?: string;
  unbalance?: string;
  catalogue_band?: string;
  catalogue_band_red?: string;
  price_age?: number;
  rebar_least?: string;
  rebar_most?: string;
  formwork_least?: string;
  formwork_most?: string;
}

/** An audit of a version began, with these rules in this order, and with these parameters of theirs. `previous` is the project's latest completed audit, whose overrides go on to count. `compared` are the documents that prices are held against. */
export interface AuditStarted {
  project_id: string;
  audit_id: string;
  version: number;
  rules: readonly (string)[];
  settings?: AuditSettings | null;
  previous?: string | null;
  compared?: readonly (Compared)[];
}

/** Sign in with a bearer token or a one-time ticket, or go on under fresh ones of the same account. */
export interface Authenticate {
  op: "auth";
  id?: number | string | null;
  token?: string | null;
  ticket?: string | null;
}

/** Show everybody on a feed that this socket follows that somebody is here, and what they do: `state`, or `null`. */
export interface BePresent {
  op: "presence";
  feed: string;
  state: Readonly<Record<string, unknown>> | null;
  id?: number | string | null;
}

/** A heading with its own declared sum. `path` names it from the sheet down: `("SO 01", "HSV", "1")`. An `object` is what is built (a house, a bridge), a `section` a group of items in it. */
export interface BillSection {
  path: readonly (string)[];
  title?: string;
  kind?: "object" | "section";
  declared_total?: string | null;
  notes?: readonly (string)[];
  sheet?: string;
  line?: number;
}

/** Change many positions as one version: all of them, or none. */
export interface BulkEdit {
  type: "budget.bulk_edit";
  project_id: string;
  edits: readonly (BulkItem)[];
  trigger?: "chat_modification" | "user_edit";
}

/** One of many edits made together. */
export interface BulkItem {
  position_id: string;
  changes: Edit;
  expected_revision?: number | null;
}

/** The socket closes now, with `code`. `reconnect` tells whether coming back makes sense, and when. */
export interface Bye {
  op: "bye";
  code: number;
  reason: string;
  reconnect: boolean;
  retry_after_ms: number;
}

/** One cache: what is in it now, and how it served since the log began. `hit_rate` is in percent of all requests. */
export interface CacheStats {
  total: number;
  completed: number;
  hits: number;
  misses: number;
  accesses: number;
  evicted: number;
  hit_rate: number;
  last_updated: string | null;
}

/** Stop an audit that is running. */
export interface CancelAudit {
  type: "audit.cancel";
  project_id: string;
  audit_id: string;
}

/** Somebody wants it to stop. */
export interface CancelRequested {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
}

/** It stopped because somebody wanted it to. */
export interface Cancelled {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
}

/** A project's audits use it. */
export interface CatalogueAttached {
  account_id: string;
  catalogue_id: string;
  project_id: string;
}

/** A catalogue was begun. */
export interface CatalogueCreated {
  account_id: string;
  catalogue_id: string;
  name: string;
  currency: string;
}

/** A project's audits use it no longer. */
export interface CatalogueDetached {
  account_id: string;
  catalogue_id: string;
  project_id: string;
}

/** A catalogue, see `CatalogueRow`. */
export interface CatalogueItem {
  catalogue_id: string;
  name: string;
  currency: string;
  version: number;
  prices: number;
  skipped: number;
  priced_on: string | null;
  source: string;
  waiting: number;
  error_code: string | null;
  error: string | null;
  projects: readonly (string)[];
  created_at: string;
}

/** It is used no longer. */
export interface CatalogueRemoved {
  account_id: string;
  catalogue_id: string;
}

/** It has another name. */
export interface CatalogueRenamed {
  account_id: string;
  catalogue_id: string;
  name: string;
}

/** A price list is in: this is the catalogue's version from now on. */
export interface CatalogueVersioned {
  account_id: string;
  catalogue_id: string;
  request: number;
  version: number;
  prices: number;
  skipped: number;
  priced_on: string;
  source?: string;
}

/** Everything up to `sequence` was sent, as far as it was wanted; what follows is live. */
export interface CaughtUp {
  op: "caught_up";
  feed: string;
  sequence: number;
}

/** A field's value before and after. */
export interface Change {
  before: unknown;
  after: unknown;
}

/** How many positions a version added, removed and modified. */
export interface ChangeCounts {
  added?: number;
  removed?: number;
  modified?: number;
}

/** Give a member another role. The last owner stays one. An administrator of the installation may do this, too. */
export interface ChangeMemberRole {
  type: "project.change_member_role";
  project_id: string;
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
}

/** Replace the password, proving the old one. Every other session ends. */
export interface ChangePassword {
  type: "account.change_password";
  account_id: string;
  old_password: string;
  new_password: string;
}

/** What an event changes: an edit, what follows from it, and what only a restore brings back. */
export interface Changes {
  number?: string;
  code?: string;
  description?: string;
  category?: string;
  kind?: "material" | "other" | "work";
  section?: readonly (string)[];
  quantity?: string | null;
  unit?: string;
  unit_price?: string | null;
  vat_rate?: string | null;
  notes?: readonly (string)[];
  enrichment?: Readonly<Record<string, unknown>>;
  metadata?: Readonly<Record<string, unknown>>;
  code_system?: "gaeb" | "otskp" | "own" | "rts" | "urs";
  material_price?: string | null;
  assembly_price?: string | null;
  total_price?: string | null;
  declared_total?: string | null;
  takeoff?: readonly (TakeoffLine)[];
  source?: "ai_suggested" | "generated" | "manual" | "uploaded";
  source_document_id?: string | null;
  source_sheet?: string;
  source_line?: number;
  rounding?: Rounding | null;
  rank?: number;
}

/** A unique value is free again. */
export interface ClaimReleased {
  claim: string;
}

/** A unique value now belongs to `holder`. Written to the stream `claim:<claim>`, so two takers conflict. */
export interface ClaimTaken {
  claim: string;
  holder: string;
}

/** Take out of the caches what nobody asked for in `unused_days` days. Its end is told on your account's feed. */
export interface CleanUpCache {
  type: "cache.clean_up";
  account_id: string;
  clean_up_id?: string;
  unused_days?: number;
}

/** A job takes out what nobody asked for since `unused_since`. */
export interface CleanUpRequested {
  account_id: string;
  clean_up_id: string;
  unused_since: string;
}

/** So many analyses of each kind were taken out. */
export interface CleanedUp {
  account_id: string;
  clean_up_id: string;
  contracts: number;
  properties: number;
}

/** Answer with a pong that carries the same `t`. */
export interface ClientPing {
  op: "ping";
  t?: number | null;
}

/** Answer to the server's ping. */
export interface ClientPong {
  op: "pong";
  t?: number | null;
}

/** The engine is done with it, one way or another; `error` says in words what went wrong. */
export interface CloseOperation {
  type: "operation.close";
  project_id: string;
  operation_id: string;
  outcome?: "cancelled" | "completed" | "failed";
  error?: string;
}

/** A document that an audit compares prices with: what it is, who offers it, and the bill that was read from it. */
export interface Compared {
  document_id: string;
  compared_as: "bid" | "estimate";
  name: string;
  bill_hash: string;
}

/** The budget's prices are held against a document from now on. */
export interface ComparisonAdded {
  project_id: string;
  document_id: string;
  compared_as: "bid" | "estimate";
  bidder?: string;
}

/** The budget's prices are held against this document no more. */
export interface ComparisonRemoved {
  project_id: string;
  document_id: string;
}

/** The work is done. */
export interface Completed {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  attempt: number;
  result?: Readonly<Record<string, unknown>>;
}

/** Set the parameters of the rules and the profile for concrete; what is left out has its default. The next audit uses them, and records that it did. */
export interface ConfigureAudit {
  type: "project.configure_audit";
  project_id: string;
  settings: AuditSettings;
}

/** Two rules that contradict each other on a position, and what came of it. */
export interface Conflict {
  conflict_id: string;
  position_id: string;
  rules: readonly [string, string];
  description: string;
  verdict?: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED" | null;
  by?: "model" | "person" | "rule" | null;
  resolution?: string | null;
  resolved_by?: string | null;
  resolved_at?: string | null;
}

/** Two expert roles contradict each other. */
export interface ConflictRaised {
  project_id: string;
  audit_id: string;
  conflict_id: string;
  position_id: string;
  rules: readonly [string, string];
  description: string;
}

/** It was decided between them. */
export interface ConflictResolved {
  project_id: string;
  audit_id: string;
  conflict_id: string;
  position_id: string;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  by: "model" | "person" | "rule";
  resolution: string;
  override?: Override | null;
}

/** How many notifications the asking account has, and has not read. */
export interface CountNotifications {
  type: "notifications.count";
  after?: number | null;
  snapshot?: boolean;
}

/** Begin a catalogue. Its currency stays. */
export interface CreateCatalogue {
  type: "catalogue.create";
  account_id: string;
  catalogue_id?: string;
  name: string;
  currency: string;
}

/** Start a project. Whoever creates it owns it. */
export interface CreateProject {
  type: "project.create";
  project_id?: string;
  name: string;
  description?: string;
  workflow?: "workflow_a" | "workflow_b";
}

/** A project was started. */
export interface Created {
  project_id: string;
  name: string;
  owner: string;
  description?: string;
  workflow?: "workflow_a" | "workflow_b";
}

/** The sums that a bill states about itself: sections, surcharges, and the grand total without VAT. `totals` are those of the whole and of its objects, with VAT and without, each with its place. */
export interface Declared {
  total?: string | null;
  sections?: readonly (BillSection)[];
  surcharges?: readonly (Surcharge)[];
  totals?: readonly (StatedTotal)[];
}

/** Take a message out of its thread: your own, or anybody's as an owner of the project. Its history stays. */
export interface DeleteMessage {
  type: "message.delete";
  project_id: string;
  thread_id: string;
  message_id: string;
}

/** Replace the project's description. */
export interface DescribeProject {
  type: "project.describe";
  project_id: string;
  description: string;
}

/** The project has another description. */
export interface Described {
  project_id: string;
  description: string;
}

/** Give up your own claim. Work that nobody waits for any more is stopped; that of others goes on. */
export interface DetachAnalysis {
  type: "analysis.detach";
  account_id: string;
  analysis_id: string;
}

/** Let a project's audits use it no longer. */
export interface DetachCatalogue {
  type: "catalogue.detach";
  account_id: string;
  catalogue_id: string;
  project_id: string;
}

/** An account gave up its claim. `stops` is the job that nobody waits for any more. */
export interface Detached {
  analysis_id: string;
  kind: "contract" | "property";
  account_id: string;
  stops?: string | null;
}

/** How what the document `against` said differs from what `document_id` said. `against` may be in another project that the viewer may read, `against_project`. A document that was uploaded for a comparison says what was read from it; a line of it has an id of its own, which no position has. */
export interface DiffDocuments {
  type: "documents.diff";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  document_id: string;
  against: string;
  against_project?: string | null;
}

/** How version `b` of a budget differs from version `a`, which may be the later one. */
export interface DiffVersions {
  type: "versions.diff";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  a: number;
  b: number;
}

/** A position that differs. `cost_effect` is what it adds to the total, in the budget's currency. `change` is the weightiest of what happened to it: one that is only `moved` stands elsewhere, or in another section, and is otherwise as it was. `moved` says so of any; one that made room for another was not moved. `changes` are by field. */
export interface Difference {
  position_id: string;
  rank: number;
  number: string;
  code: string;
  description: string;
  change: "added" | "changed" | "moved" | "removed";
  moved: boolean;
  changes: Readonly<Record<string, Change>>;
  cost_effect: string;
}

/** A document, see `DocumentRow`. `declared_total` is in `currency`; `parse_error` says what its owner can do. */
export interface DocumentItem {
  document_id: string;
  filename: string;
  content_hash: string;
  size: number;
  purpose: "budget" | "comparison";
  compared_as: "bid" | "estimate" | null;
  bidder: string;
  uploaded_by: string;
  uploaded_at: string;
  uploaded_position: number;
  parse_status: "completed" | "failed" | "parsing" | "pending";
  parse_error_code: string | null;
  parse_error: string | null;
  parsed_at: string | null;
  bill_hash: string | null;
  format: string | null;
  confidence: number | null;
  items: number;
  priced: number;
  skipped: number;
  currency: string | null;
  declared_total: string | null;
  warnings: readonly (string)[];
  removed: boolean;
  replaced_by: string | null;
}

/** How two documents differ: counts, totals, sections, and a page of lines in the order of the second document. A line that was changed, moved and renumbered counts in all three. */
export interface DocumentsDifference {
  total_before: string;
  total_after: string;
  delta: string | null;
  currency_before: string;
  currency_after: string;
  unchanged: number;
  added: number;
  removed: number;
  changed: number;
  moved: number;
  renumbered: number;
  sections: SectionDifferences;
  items: readonly (LineDifference)[];
  next_cursor: string | null;
}

/** Begin a variation, also called change order: changes that count only once they are approved. It gets a number. */
export interface DraftVariation {
  type: "variation.draft";
  project_id: string;
  variation_id?: string;
  name: string;
  reason?: string;
  proposal?: Proposal;
}

/** New values for some fields of a position; fields left out stay as they are, `null` empties a number. */
export interface Edit {
  number?: string;
  code?: string;
  description?: string;
  category?: string;
  kind?: "material" | "other" | "work";
  section?: readonly (string)[];
  quantity?: string | null;
  unit?: string;
  unit_price?: string | null;
  vat_rate?: string | null;
  notes?: readonly (string)[];
  enrichment?: Readonly<Record<string, unknown>>;
  metadata?: Readonly<Record<string, unknown>>;
}

/** Say how your message reads from now on: text, links and mentions as a whole, what is left out is taken out. `expected_revision` is the revision that you saw; without it, whichever there is. */
export interface EditMessage {
  type: "message.edit";
  project_id: string;
  thread_id: string;
  message_id: string;
  text: string;
  positions?: readonly (string)[];
  documents?: readonly (string)[];
  mentions?: readonly (string)[];
  expected_revision?: number | null;
}

/** Change some fields of a position. With `expected_revision`, only if nobody changed it since. */
export interface EditPosition {
  type: "position.edit";
  project_id: string;
  position_id: string;
  changes: Edit;
  expected_revision?: number | null;
}

/** Both caches together. `hit_rate` is in percent; `saved` counts the analyses that nobody had to work out again. */
export interface Efficiency {
  total: number;
  hits: number;
  misses: number;
  hit_rate: number;
  saved: number;
}

/** Erase an account for good: by itself, proving its password, or by an administrator of the installation. It is signed out everywhere, nobody can read its name, its address and its messages any more, and the address may be registered again. Refused while it is the only owner of an open project that others are in or invited to. */
export interface Erase {
  type: "account.erase";
  account_id: string;
  password?: string;
}

/** The account is no more; the key of its personal data is destroyed because of this event. */
export interface Erased {
  account_id: string;
}

/** A message was refused; `problem` is what REST would answer. Without `id` if the message had none to be read. */
export interface Error {
  op: "error";
  problem: Readonly<Record<string, unknown>>;
  id?: number | string | null;
}

/** Take a result out of the cache, unless it runs, or was used more than the `uses` times that the caller saw. */
export interface EvictAnalysis {
  type: "analysis.evict";
  analysis_id: string;
  uses: number;
}

/** The cache was cleaned up: the next request works it out anew. All who had a claim were detached before. */
export interface Evicted {
  analysis_id: string;
  kind: "contract" | "property";
}

/** What is to be written: a version of the budget, in a format, dated `asked_at`. */
export interface Export {
  format: "csv" | "gaeb" | "gaeb_x82" | "json" | "pdf" | "unixml" | "xlsx";
  version: number;
  asked_at: string;
}

/** The work is given up. */
export interface Failed {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  attempt: number;
  error_code: string;
  error: string;
}

/** What is wrong with one part of a request: `path` is `$.name` in a body, the name of a parameter or header. */
export interface FieldError {
  path: string;
  message: string;
}

/** Which positions use a code, whatever its blanks and dashes, in the projects that the asking account may see. */
export interface FindByCode {
  type: "positions.using_code";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  code: string;
}

/** What one rule says about one position, one section or the whole bill, and why. `rule` is a permanent id ("V1"). Without a `position_id` the finding is about the section at path `section`, or about the bill when that is empty too. A GREEN finding is a note. `confidence` 0..100 is how sure the rule is of what it observed; arithmetic is 100. `evidence` holds every input, threshold and table used, and the source document, sheet and 1-based row; numbers are decimal strings. `demand` is what it asks of the line: a thing and `+` or `-`. */
export interface Finding {
  rule: string;
  expert_role: "concrete" | "cost" | "orchestrator" | "standards" | "structural" | "validator";
  recommendation: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reasoning: string;
  position_id?: string | null;
  section?: readonly (string)[];
  confidence?: number;
  evidence?: Readonly<Record<string, string>>;
  issues?: readonly (Issue)[];
  suggestions?: readonly (Suggestion)[];
  demand?: string;
}

/** A finding beside the line that it speaks of, as that was in the audited version. Without a position it is about the section at path `section`, or about the whole bill when that is empty too. */
export interface FindingItem {
  audit_id: string;
  part: number;
  place: number;
  rule: string;
  expert_role: "concrete" | "cost" | "orchestrator" | "standards" | "structural" | "validator";
  recommendation: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reasoning: string;
  position_id: string | null;
  section: readonly (string)[];
  confidence: number;
  evidence: Readonly<Record<string, string>>;
  issues: readonly (Issue)[];
  suggestions: readonly (Suggestion)[];
  number: string | null;
  code: string | null;
  description: string | null;
  source_sheet: string | null;
  source_line: number | null;
  total_price: string | null;
}

/** What the experts found on up to 200 positions. */
export interface FindingsRecorded {
  project_id: string;
  audit_id: string;
  part: number;
  outcomes: Readonly<Record<string, string>>;
  verdicts: Readonly<Record<string, "AMBER" | "GREEN" | "NOT_CHECKED" | "RED">>;
  findings: readonly (Finding)[];
  revisions?: Readonly<Record<string, number>>;
}

/** The asking account itself. */
export interface GetAccount {
  type: "account.get";
  after?: number | null;
  snapshot?: boolean;
}

/** One analysis that the asking account is attached to; an administrator sees any. */
export interface GetAnalysis {
  type: "analyses.get";
  after?: number | null;
  snapshot?: boolean;
  analysis_id: string;
}

/** One audit; with `at`, as it stood then. */
export interface GetAudit {
  type: "audits.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  audit_id: string;
  at?: string | null;
}

/** How the caches of analyses serve. For administrators. */
export interface GetCacheStats {
  type: "cache.stats";
  after?: number | null;
  snapshot?: boolean;
}

/** One document, even if it was removed. */
export interface GetDocument {
  type: "documents.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  document_id: string;
}

/** One job, of a project or of any that the viewer may read, and how far it is. */
export interface GetJob {
  type: "jobs.get";
  after?: number | null;
  snapshot?: boolean;
  project_id?: string | null;
  job_id: string;
}

/** One operation, with its newest milestones and how far it is. */
export interface GetOperation {
  type: "operations.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  operation_id: string;
}

/** A position as it stands, or in `version`, or as it was `at` a moment; with its history. */
export interface GetPosition {
  type: "positions.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  position_id: string;
  version?: number | null;
  at?: string | null;
}

/** One project; with `at`, as it was then. */
export interface GetProject {
  type: "projects.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  at?: string | null;
}

/** A variation with all that it proposes, held against the budget as it is now; an approved one, as it was then. */
export interface GetVariation {
  type: "variations.get";
  after?: number | null;
  snapshot?: boolean;
  project_id: string;
  variation_id: string;
}

/** Set an account's plan and whether it administers the installation. */
export interface GrantRole {
  type: "account.grant_role";
  account_id: string;
  plan: "business" | "enterprise" | "pro" | "user";
  admin?: boolean;
}

/** An event of the project's feed: its fields in `data`; texts about erased persons are null. `command_id` is the command that it came from, `correlation_id` the conversation, `causation_id` the event before. */
export interface HappenedItem {
  sequence: number;
  position: number;
  event_type: string;
  at: string;
  actor: string;
  command_id: string | null;
  correlation_id: string | null;
  causation_id: string | null;
  data: Readonly<Record<string, unknown>>;
}

/** Something that was found. `passage` shows the words, `marks` where they start and end in it (in characters). `document_id`, `position_id` and `audit_id` say where it is; findings are those of a project's latest audit. */
export interface Hit {
  project_id: string;
  project_name: string;
  kind: "document" | "finding" | "position";
  ref: string;
  code: string;
  title: string;
  passage: string;
  marks: readonly (readonly [number, number])[];
  document_id: string | null;
  position_id: string | null;
  audit_id: string | null;
  score: string;
}

/** Have a price list read that was uploaded to a project, as the catalogue's next version. */
export interface ImportPrices {
  type: "catalogue.import_prices";
  account_id: string;
  catalogue_id: string;
  project_id: string;
  document_id: string;
  priced_on: string;
  source?: string;
}

/** Up to 200 positions of a document, ranked from `first_rank` on; the first part says what it declares. */
export interface Imported {
  project_id: string;
  document_id: string;
  part: number;
  first_rank: number;
  positions: readonly (Position)[];
  declared?: Declared | null;
  currency: string;
  rounding?: number;
}

/** An open invitation. */
export interface Invitation {
  project_id: string;
  project_name: string;
  role: "auditor" | "editor" | "owner" | "viewer";
  invited_by: string | null;
  invited_at: string | null;
}

/** Offer an account a role in the project. The account must accept. */
export interface InviteMember {
  type: "project.invite_member";
  project_id: string;
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
}

/** One thing that is wrong or doubtful. `type` is a permanent name, the rest is for people. */
export interface Issue {
  type: string;
  severity: "error" | "info" | "warning";
  description: string;
  suggestion: string;
}

/** Make a bearer token for a program. The receipt carries its secret. */
export interface IssueToken {
  type: "account.issue_token";
  account_id: string;
  token_id?: string;
  name: string;
  expires_at?: string | null;
}

/** A job. `live`: the last step that was told, with the time still to go, while it runs; `progress` knows it too. */
export interface JobDetails {
  job_id: string;
  kind: "analysis" | "audit" | "clean_up" | "export" | "import" | "parse" | "prices";
  subject: string;
  queue: "critical" | "default" | "high" | "low";
  status: "cancelled" | "completed" | "failed" | "queued" | "running" | "waiting";
  progress: number;
  attempt: number;
  phase: string;
  cancel_requested: boolean;
  error_code: string | null;
  error: string | null;
  result: Readonly<Record<string, unknown>> | null;
  queued_by: string;
  requested_by: string | null;
  queued_at: string;
  queued_position: number;
  started_at: string | null;
  due_at: string | null;
  ended_at: string | null;
  project_id: string;
  phases: number;
  live?: Progress | null;
}

/** A job, see `JobRow`. `progress` is 0..100, by phases. */
export interface JobItem {
  job_id: string;
  kind: "analysis" | "audit" | "clean_up" | "export" | "import" | "parse" | "prices";
  subject: string;
  queue: "critical" | "default" | "high" | "low";
  status: "cancelled" | "completed" | "failed" | "queued" | "running" | "waiting";
  progress: number;
  attempt: number;
  phase: string;
  cancel_requested: boolean;
  error_code: string | null;
  error: string | null;
  result: Readonly<Record<string, unknown>> | null;
  queued_by: string;
  requested_by: string | null;
  queued_at: string;
  queued_position: number;
  started_at: string | null;
  due_at: string | null;
  ended_at: string | null;
}

/** What an audit says of the position: the experts' merged verdict, and a person's above it if there is one. */
export interface Judgement {
  audit_id: string;
  audited_version: number;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  found: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  rules: readonly (RuleSaid)[];
  overridden_by: string | null;
  override_reason: string | null;
  overridden_at: string | null;
}

/** A line that differs; what it was in each document is named by `before` and `after`, its places by `.._at`. `change` is the weightiest of what happened to it; `changes` are by field. `matched_by` says how it was recognised. `cost_effect` is what it adds to the total. */
export interface LineDifference {
  change: "added" | "changed" | "moved" | "removed" | "renumbered";
  before: string | null;
  after: string | null;
  before_at: Place | null;
  after_at: Place | null;
  number: string;
  code: string;
  description: string;
  moved: boolean;
  renumbered: boolean;
  matched_by: "code" | "code and text" | "everything" | "likeness" | "text" | null;
  changes: Readonly<Record<string, Change>>;
  cost_effect: string;
}

/** The analyses that the asking account is attached to; by kind or status. */
export interface ListAnalyses {
  type: "analyses.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  kind?: "contract" | "property" | null;
  status?: "completed" | "failed" | "running" | "stopped" | null;
}

/** A project's audits, newest first; with `at`, those there were then, as they stood. */
export interface ListAudits {
  type: "audits.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  status?: "cancelled" | "completed" | "running" | null;
  at?: string | null;
}

/** The asking account's catalogues. */
export interface ListCatalogues {
  type: "catalogues.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
}

/** A project's documents, oldest first; removed ones only where `removed` asks for them. `compared_as` asks for the estimate or the bids that the budget's prices are held against. */
export interface ListDocuments {
  type: "documents.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  compared_as?: "bid" | "estimate" | null;
  parse_status?: "completed" | "failed" | "parsing" | "pending" | null;
  text?: string | null;
  removed?: boolean;
}

/** What an audit found, in the order of the bill; without `audit_id`, the latest completed one. */
export interface ListFindings {
  type: "findings.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  audit_id?: string | null;
  verdict?: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED" | null;
  rule?: string | null;
  expert_role?: "concrete" | "cost" | "orchestrator" | "standards" | "structural" | "validator" | null;
  position_id?: string | null;
}

/** What happened in a project, newest first or oldest first; by actor, kind of event, or position of the budget. */
export interface ListHistory {
  type: "history.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  order?: "newest" | "oldest";
  actor?: string | null;
  event_type?: string | null;
  position_id?: string | null;
}

/** The projects that the asking account was invited to and has not joined. */
export interface ListInvitations {
  type: "invitations.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
}

/** A project's jobs, newest first; by status, kind, or the document or audit that they are about. */
export interface ListJobs {
  type: "jobs.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  status?: "cancelled" | "completed" | "failed" | "queued" | "running" | "waiting" | null;
  kind?: "analysis" | "audit" | "clean_up" | "export" | "import" | "parse" | "prices" | null;
  subject?: string | null;
}

/** Who is in a project and who is invited, with their names; `joined` tells them apart. */
export interface ListMembers {
  type: "members.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  joined?: boolean | null;
}

/** A thread's messages as they read now, in the order in which they were posted, or the newest first. */
export interface ListMessages {
  type: "threads.messages";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  thread_id: string;
  order?: "newest" | "oldest";
}

/** The asking account's notifications, newest first; by whether they are read, or by kind. */
export interface ListNotifications {
  type: "notifications.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  unread?: boolean | null;
  kind?: "analysis_complete" | "analysis_failed" | "conflict_raised" | "invited" | "job_complete" | "job_failed" | "mentioned" | "variation_approved" | "variation_rejected" | "variation_submitted" | null;
}

/** A project's operations, newest first; by status, or by the engine's job that they belong to. */
export interface ListOperations {
  type: "operations.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  status?: "cancelled" | "completed" | "failed" | "open" | null;
  job_id?: string | null;
}

/** A budget's positions in their order: of the newest version, of `version`, or as they were `at` a moment. `section` keeps those in or below a section: its path; as text a single heading, or a path as JSON array. `text` keeps those with these words in code or description, `verdict` those judged so by the latest completed audit of that version or an earlier one. All pages show the first page's version. */
export interface ListPositions {
  type: "positions.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  version?: number | null;
  at?: string | null;
  section?: readonly (string)[] | string | null;
  text?: string | null;
  verdict?: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED" | null;
  kind?: "material" | "other" | "work" | null;
  document_id?: string | null;
}

/** A catalogue's prices in the order of its price list: of its present version, or of an earlier one. `code` wants prices of that code, whatever its blanks and dashes; `text` those whose description contains it. */
export interface ListPrices {
  type: "catalogues.prices";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  catalogue_id: string;
  version?: number | null;
  code?: string | null;
  text?: string | null;
}

/** The asking account's projects, newest first; by status, or by words in name or description. */
export interface ListProjects {
  type: "projects.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  status?: "archived" | "auditing" | "completed" | "draft" | "enriching" | "parsing" | null;
  text?: string | null;
}

/** All that happened to a message, from the log itself: how it was posted, each edit, and who deleted it. */
export interface ListRevisions {
  type: "messages.history";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  thread_id: string;
  message_id: string;
}

/** A project's threads, newest first; by the position or the document that they are about. */
export interface ListThreads {
  type: "threads.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  about_position?: string | null;
  about_document?: string | null;
}

/** The variations of a project's budget, newest first; with `status`, those that stand so. */
export interface ListVariations {
  type: "variations.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  status?: "approved" | "draft" | "rejected" | "submitted" | "withdrawn" | null;
}

/** The versions of a project's budget, newest first; with `at`, those that there were then. */
export interface ListVersions {
  type: "versions.list";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  project_id: string;
  at?: string | null;
}

/** Count notifications as read: those with these numbers, and all up to and with `upto`. */
export interface MarkRead {
  type: "notification.mark_read";
  account_id: string;
  numbers?: readonly (number)[];
  upto?: number;
}

/** A member or an invited account. `name` and `email` are null once that person's data was erased. */
export interface Member {
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
  joined: boolean;
  name: string | null;
  email: string | null;
  invited_by: string | null;
  invited_at: string | null;
  joined_at: string | null;
}

/** An account was offered a role. */
export interface MemberInvited {
  project_id: string;
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
}

/** An account took a role. */
export interface MemberJoined {
  project_id: string;
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
}

/** A member or an invitation is gone. */
export interface MemberRemoved {
  project_id: string;
  account_id: string;
}

/** A member has another role. */
export interface MemberRoleChanged {
  project_id: string;
  account_id: string;
  role: "auditor" | "editor" | "owner" | "viewer";
}

/** A message of `account_id` is in the thread no more; the event's actor deleted it. */
export interface MessageDeleted {
  project_id: string;
  thread_id: string;
  message_id: string;
  account_id: string;
}

/** A message reads like this now. `newly_mentioned` are those whom no earlier revision mentioned. */
export interface MessageEdited {
  project_id: string;
  thread_id: string;
  message_id: string;
  account_id: string;
  revision: number;
  text: string | null | null;
  positions?: readonly (string)[];
  documents?: readonly (string)[];
  mentions?: readonly (string)[];
  newly_mentioned?: readonly (string)[];
}

/** A message. `text` is null once the message was deleted (see `deleted_at`), or its author's data erased. */
export interface MessageItem {
  message_id: string;
  account_id: string;
  role: "assistant" | "system" | "user";
  message_type: "answer" | "clarification" | "command" | "question";
  text: string | null;
  positions: readonly (string)[];
  documents: readonly (string)[];
  mentions: readonly (string)[];
  revision: number;
  posted_at: string;
  posted_position: number;
  edited_at: string | null;
  deleted_at: string | null;
  deleted_by: string | null;
}

/** An account said something. */
export interface MessagePosted {
  project_id: string;
  thread_id: string;
  message_id: string;
  account_id: string;
  role: "assistant" | "system" | "user";
  message_type: "answer" | "clarification" | "command" | "question";
  text: string | null | null;
  positions?: readonly (string)[];
  documents?: readonly (string)[];
  mentions?: readonly (string)[];
}

/** Something worth telling that an operation reached. */
export interface Milestone {
  event_id: number;
  phase: string;
  stage: Stage;
  items_done?: number | null;
  items_total?: number | null;
  at: string;
}

/** Something worth telling happened within a phase, or with it. */
export interface MilestoneReached {
  project_id: string;
  operation_id: string;
  job_id: string;
  event_id: number;
  phase: string;
  stage: Stage;
  step_index?: number | null;
  step_total?: number | null;
  items_done?: number | null;
  items_total?: number | null;
}

/** Put a position behind another, or first where `after` is null; into another section if one is named. */
export interface MovePosition {
  type: "position.move";
  project_id: string;
  position_id: string;
  after?: string | null;
  section?: readonly (string)[] | null;
  expected_revision?: number | null;
}

/** Give a version a name that people can find it by. */
export interface NameVersion {
  type: "budget.name_version";
  project_id: string;
  version: number;
  name: string;
}

/** Both numbers; `latest` is the number of the newest, which `notification.mark_read` takes as `upto`. */
export interface NotificationCount {
  total: number;
  unread: number;
  latest: number;
}

/** A notification: event `sequence` of the account's feed. */
export interface NotificationItem {
  number: number;
  kind: "analysis_complete" | "analysis_failed" | "conflict_raised" | "invited" | "job_complete" | "job_failed" | "mentioned" | "variation_approved" | "variation_rejected" | "variation_submitted";
  project_id: string | null;
  subject: string;
  details: Readonly<Record<string, string>>;
  sequence: number;
  sent_at: string;
  read_at: string | null;
}

/** An account was told something: number `number` of its inbox. */
export interface NotificationSent {
  account_id: string;
  number: number;
  kind: "analysis_complete" | "analysis_failed" | "conflict_raised" | "invited" | "job_complete" | "job_failed" | "mentioned" | "variation_approved" | "variation_rejected" | "variation_submitted";
  project_id?: string | null;
  subject: string;
  details?: Readonly<Record<string, string>>;
}

/** These notifications count as read. */
export interface NotificationsRead {
  account_id: string;
  numbers: readonly (number)[];
}

/** A position to take out. */
export interface Omission {
  position_id: string;
  expected_revision?: number | null;
}

/** An engine begins something. `job_id` is the engine's own run, of which this may be one operation of several. */
export interface OpenOperation {
  type: "operation.open";
  project_id: string;
  operation_id?: string;
  job_id: string;
  name: string;
}

/** Open a thread, about a position of the budget, a document, both or the project as such. Unlike messages, the title is no personal text: it stays when its author is erased. */
export interface OpenThread {
  type: "thread.open";
  project_id: string;
  thread_id?: string;
  title: string;
  about_position?: string | null;
  about_document?: string | null;
}

/** The operation is over. */
export interface OperationClosed {
  project_id: string;
  operation_id: string;
  job_id: string;
  outcome: "cancelled" | "completed" | "failed";
  error?: string;
}

/** An operation with its newest milestones. `live`: the last step that was told, while it is open and remembered. */
export interface OperationDetails {
  operation_id: string;
  job_id: string;
  name: string;
  status: "cancelled" | "completed" | "failed" | "open";
  phase: string;
  stage: string;
  step_index: number | null;
  step_total: number | null;
  milestones: number;
  error: string | null;
  opened_by: string;
  opened_at: string;
  opened_position: number;
  changed_at: string;
  closed_at: string | null;
  newest_milestones: readonly (Milestone)[];
  live?: Progress | null;
}

/** An operation, see `OperationRow`. */
export interface OperationItem {
  operation_id: string;
  job_id: string;
  name: string;
  status: "cancelled" | "completed" | "failed" | "open";
  phase: string;
  stage: string;
  step_index: number | null;
  step_total: number | null;
  milestones: number;
  error: string | null;
  opened_by: string;
  opened_at: string;
  opened_position: number;
  changed_at: string;
  closed_at: string | null;
}

/** An engine began something. */
export interface OperationOpened {
  project_id: string;
  operation_id: string;
  job_id: string;
  name: string;
}

/** The operation is in another phase. */
export interface OperationPhaseEntered {
  project_id: string;
  operation_id: string;
  job_id: string;
  event_id: number;
  phase: string;
  stage: Stage;
  step_index?: number | null;
  step_total?: number | null;
}

/** A person's verdict on a position as it was at `revision`, and why. It outlives audits, but no edit. */
export interface Override {
  position_id: string;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reason: string;
  revision: number;
  by: string;
  at: string;
}

/** Put an auditor's own verdict above the experts', with the reason. */
export interface OverrideVerdict {
  type: "audit.override_verdict";
  project_id: string;
  audit_id: string;
  position_id: string;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reason: string;
}

/** People's verdicts of an earlier audit count in this one. */
export interface OverridesCarried {
  project_id: string;
  audit_id: string;
  overrides: readonly (Override)[];
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_AnalysisItem_ {
  items: readonly (AnalysisItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_AuditItem_ {
  items: readonly (AuditItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_CatalogueItem_ {
  items: readonly (CatalogueItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_DocumentItem_ {
  items: readonly (DocumentItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_FindingItem_ {
  items: readonly (FindingItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_HappenedItem_ {
  items: readonly (HappenedItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_Hit_ {
  items: readonly (Hit)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_Invitation_ {
  items: readonly (Invitation)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_JobItem_ {
  items: readonly (JobItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_Member_ {
  items: readonly (Member)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_MessageItem_ {
  items: readonly (MessageItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_NotificationItem_ {
  items: readonly (NotificationItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_OperationItem_ {
  items: readonly (OperationItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_PositionItem_ {
  items: readonly (PositionItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_PriceItem_ {
  items: readonly (PriceItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_ProjectItem_ {
  items: readonly (ProjectItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_RevisionItem_ {
  items: readonly (RevisionItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_ThreadItem_ {
  items: readonly (ThreadItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_Use_ {
  items: readonly (Use)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_VariationItem_ {
  items: readonly (VariationItem)[];
  next_cursor?: string | null;
}

/** Some items, and the cursor that continues behind them; `None` after the last one. */
export interface Page_VersionItem_ {
  items: readonly (VersionItem)[];
  next_cursor?: string | null;
}

/** Ask for the document to be read again. */
export interface ParseDocument {
  type: "document.parse";
  project_id: string;
  document_id: string;
}

/** No reader understood it. */
export interface ParseFailed {
  project_id: string;
  document_id: string;
  error_code: string;
  error: string;
}

/** Somebody wants it read again. */
export interface ParseRequested {
  project_id: string;
  document_id: string;
}

/** A reader understood it. */
export interface Parsed {
  project_id: string;
  document_id: string;
  bill_hash: string;
  format: string;
  confidence: number;
  items: number;
  priced: number;
  currency: string;
  declared_total?: string | null;
  skipped?: number;
  warnings?: readonly (string)[];
}

/** The password was replaced. */
export interface PasswordChanged {
  account_id: string;
  password_hash: string | null | null;
}

/** The attempt is in another phase. */
export interface PhaseEntered {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  attempt: number;
  phase: string;
}

/** Where a document states a line: a sheet or page, empty where it has none, and the row in it, from 1. */
export interface Place {
  sheet: string;
  line: number;
}

/** One line of a budget. `total_price` is computed (`line_total`); `declared_total` is what the file showed, kept until the first edit of a number. Missing numbers are `None`, never 0. `revision` rises by one with every change. `rounding` is set where the document it came from rounds otherwise than its budget. A line whose `role` keeps it out of sums has no `total_price`. `gc=False`: JSON values form no cycles, and 100,000 positions would be walked by every full collection. */
export interface Position {
  position_id: string;
  number?: string;
  code?: string;
  code_system?: "gaeb" | "otskp" | "own" | "rts" | "urs";
  description?: string;
  category?: string;
  kind?: "material" | "other" | "work";
  role?: "alternative" | "base" | "optional";
  section?: readonly (string)[];
  quantity?: string | null;
  unit?: string;
  unit_price?: string | null;
  material_price?: string | null;
  assembly_price?: string | null;
  total_price?: string | null;
  declared_total?: string | null;
  vat_rate?: string | null;
  notes?: readonly (string)[];
  takeoff?: readonly (TakeoffLine)[];
  source?: "ai_suggested" | "generated" | "manual" | "uploaded";
  source_document_id?: string | null;
  source_sheet?: string;
  source_line?: number;
  rounding?: Rounding | null;
  revision?: number;
  enrichment?: Readonly<Record<string, unknown>>;
  metadata?: Readonly<Record<string, unknown>>;
}

/** A position is new, or back. */
export interface PositionAdded {
  project_id: string;
  position: Position;
  rank: number;
}

/** A position, its judgement and findings, and its newest states (at most 200), newest first. */
export interface PositionDetails {
  position: PositionItem;
  judgement: Judgement | null;
  findings: readonly (FindingItem)[];
  history: readonly (State)[];
}

/** Fields of a position have other values. */
export interface PositionEdited {
  project_id: string;
  position_id: string;
  revision: number;
  changes: Changes;
}

/** A position in `version`, with what the audit `audit_id` says of it. */
export interface PositionItem {
  project_id: string;
  position_id: string;
  rank: number;
  revision: number;
  number: string;
  code: string;
  code_system: "gaeb" | "otskp" | "own" | "rts" | "urs";
  description: string;
  category: string;
  kind: "material" | "other" | "work";
  role: "alternative" | "base" | "optional";
  section: readonly (string)[];
  quantity: string | null;
  unit: string;
  unit_price: string | null;
  material_price: string | null;
  assembly_price: string | null;
  total_price: string | null;
  declared_total: string | null;
  vat_rate: string | null;
  notes: readonly (string)[];
  takeoff: readonly (TakeoffLine)[];
  source: "ai_suggested" | "generated" | "manual" | "uploaded";
  source_document_id: string | null;
  source_sheet: string;
  source_line: number;
  rounding: Rounding | null;
  enrichment: Readonly<Record<string, unknown>>;
  metadata: Readonly<Record<string, unknown>>;
  since: number;
  changed_by: string;
  changed_at: string;
  changed_position: number;
  version: number;
  audit_id: string | null;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED" | null;
  outcomes: string | null;
}

/** A position stands elsewhere. One that only made room for another keeps its revision. */
export interface PositionMoved {
  project_id: string;
  position_id: string;
  revision: number;
  rank: number;
  section?: readonly (string)[] | null;
}

/** A position is gone from this version on. */
export interface PositionRemoved {
  project_id: string;
  position_id: string;
}

/** Say something in a thread, with links to positions and documents; members who are mentioned are notified. */
export interface PostMessage {
  type: "message.post";
  project_id: string;
  thread_id: string;
  message_id?: string;
  text: string;
  message_type: "answer" | "clarification" | "command" | "question";
  positions?: readonly (string)[];
  documents?: readonly (string)[];
  mentions?: readonly (string)[];
}

/** Who came to a feed or changed, and which connections left it. `complete`: nobody else is here. */
export interface Presence {
  op: "presence";
  feed: string;
  complete: boolean;
  here: readonly (Present)[];
  left?: readonly (string)[];
}

/** A socket whose owner is here, and what they told of themselves. */
export interface Present {
  connection_id: string;
  account_id: string;
  state: Readonly<Record<string, unknown>>;
}

/** What one unit of a work costs, without VAT, in the catalogue's currency. */
export interface Price {
  code?: string;
  description?: string;
  unit: string;
  unit_price: string;
}

/** A price. */
export interface PriceItem {
  version: number;
  place: number;
  code: string;
  description: string;
  unit: string;
  unit_price: string | null;
}

/** The price list could not be read. */
export interface PricesFailed {
  account_id: string;
  catalogue_id: string;
  request: number;
  error_code: string;
  error: string;
}

/** Up to 500 prices of the version that is being made, `first` the place of the first among all of it. */
export interface PricesRecorded {
  account_id: string;
  catalogue_id: string;
  version: number;
  first: number;
  prices: readonly (Price)[];
}

/** A price list is to be read. */
export interface PricesRequested {
  account_id: string;
  catalogue_id: string;
  request: number;
  wanted: Wanted;
}

/** An RFC 9457 problem object: the one shape of every error answer. Some codes carry further members. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: readonly (FieldError)[];
  request_id?: string;
}

/** The newest step of a job, as it was told at `updated_at`. */
export interface Progress {
  step: Step;
  updated_at: string;
}

/** A project. `progress` is 0..100, `total_cost` in `currency`, `role` the asking account's own. `audit_id` is the latest completed audit, of `audited_version`, and `verdicts` counts positions as it judges them now; null before the first one; `audit_settings` is what the next one will use. `members` and `documents` are counts. */
export interface ProjectItem {
  project_id: string;
  name: string;
  description: string;
  workflow: "workflow_a" | "workflow_b";
  status: "archived" | "auditing" | "completed" | "draft" | "enriching" | "parsing";
  progress: number;
  role: "auditor" | "editor" | "owner" | "viewer" | null;
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  version: number;
  total_positions: number;
  total_cost: string | null;
  currency: string;
  members: number;
  documents: number;
  audit_id: string | null;
  audited_version: number | null;
  verdicts: Readonly<Record<string, number>> | null;
  audit_settings: AuditSettings;
  created_position: number;
}

/** What a variation would do to a budget; each position is named once. An `expected_revision` is the one that the author saw; where it is left out, the present one counts as seen. */
export interface Proposal {
  additions?: readonly (Addition)[];
  changes?: readonly (BulkItem)[];
  omissions?: readonly (Omission)[];
}

/** What becomes of one position: `before` is null for one that is added, `after` for one that is taken out. Both are null for one that is gone already. `behind` is where an added one goes, null for the end. `changes` are by field. `outdated`: the position is not what the variation saw. */
export interface ProposedItem {
  position_id: string;
  change: "added" | "changed" | "removed";
  behind: string | null;
  before: Position | null;
  after: Position | null;
  changes: Readonly<Record<string, Change>>;
  cost_effect: string;
  outdated: boolean;
}

/** Work was asked for. */
export interface Queued {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  kind: "analysis" | "audit" | "clean_up" | "export" | "import" | "parse" | "prices";
  subject: string;
  queue?: "critical" | "default" | "high" | "low";
  requested_by?: string;
  export?: Export | null;
}

/** Compute every line total again, as its document rounds; all to one number of decimals if that is named. */
export interface Recalculate {
  type: "budget.recalculate";
  project_id: string;
  rounding?: number | null;
}

/** What a command came to: its last event is number `sequence` of `feed`, at `position` of the log. `replayed`: the command had been carried out before; this is its first receipt. `unchanged`: things were already as the command wants them, so nothing was stored; the numbers say where its feed and stream stand. `result` holds what only the caller may learn, such as a new token's secret. */
export interface Receipt {
  command_id: string;
  feed: string;
  sequence: number;
  position: number;
  replayed?: boolean;
  unchanged?: boolean;
  result?: Readonly<Record<string, unknown>>;
}

/** Open an account. The e-mail address must be free; the password has at least eight characters. */
export interface Register {
  type: "account.register";
  account_id?: string;
  email: string;
  password: string;
  name: string;
}

/** An account was opened. */
export interface Registered {
  account_id: string;
  email: string | null | null;
  name: string | null | null;
  password_hash: string | null | null;
}

/** Let a suspended account act again. */
export interface Reinstate {
  type: "account.reinstate";
  account_id: string;
}

/** The account may act again. */
export interface Reinstated {
  account_id: string;
}

/** Say no to a submitted variation, and why. */
export interface RejectVariation {
  type: "variation.reject";
  project_id: string;
  variation_id: string;
  reason: string;
}

/** Take it out of use; what was judged by it keeps its evidence. */
export interface RemoveCatalogue {
  type: "catalogue.remove";
  account_id: string;
  catalogue_id: string;
}

/** Hold the budget's prices against this document no more. The document stays. */
export interface RemoveComparison {
  type: "comparison.remove";
  project_id: string;
  document_id: string;
}

/** Take the document out of the project. Its history and what was imported from it stay. */
export interface RemoveDocument {
  type: "document.remove";
  project_id: string;
  document_id: string;
}

/** Take a member out, or withdraw an invitation. The last owner stays. */
export interface RemoveMember {
  type: "project.remove_member";
  project_id: string;
  account_id: string;
}

/** Take a position out. With `expected_revision`, only if nobody changed it since. */
export interface RemovePosition {
  type: "position.remove";
  project_id: string;
  position_id: string;
  expected_revision?: number | null;
}

/** It was taken out of the project. */
export interface Removed {
  project_id: string;
  document_id: string;
}

/** Give it another name. */
export interface RenameCatalogue {
  type: "catalogue.rename";
  account_id: string;
  catalogue_id: string;
  name: string;
}

/** Give the project another name. */
export interface RenameProject {
  type: "project.rename";
  project_id: string;
  name: string;
}

/** The project has another name. */
export interface Renamed {
  project_id: string;
  name: string;
}

/** Say that another document of the project takes this one's place. */
export interface ReplaceDocument {
  type: "document.replace";
  project_id: string;
  document_id: string;
  by: string;
}

/** Another document took its place. */
export interface Replaced {
  project_id: string;
  document_id: string;
  by: string;
}

/** Say how far the operation is. `event_id` rises from message to message of the engine's job: whatever comes late or twice is ignored. `phase` is one of the phases above; one that this program does not know is kept, and counts as `progress`. A phase that is a start or an end is a milestone unless `milestone` says otherwise. `eta_ms`: how many milliseconds are still to go. */
export interface ReportStep {
  type: "operation.report_step";
  project_id: string;
  operation_id: string;
  event_id: number;
  phase: string;
  step_index?: number | null;
  step_total?: number | null;
  items_done?: number | null;
  items_total?: number | null;
  eta_ms?: number | null;
  milestone?: boolean | null;
}

/** Have a document analysed that you may read. The receipt's feed is that of the analysis. Leave `analysis_id` and `content_hash` out: the service sets them, whatever they say. */
export interface RequestAnalysis {
  type: "analysis.request";
  account_id: string;
  kind: "contract" | "property";
  project_id: string;
  document_id: string;
  analysis_id?: string | null;
  content_hash?: string;
}

/** Ask the job to stop at its next step; one that has not begun stops at once. */
export interface RequestCancel {
  type: "job.request_cancel";
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
}

/** Ask for a file of a version of the budget, of the present one without `version`. The job's result names it. */
export interface RequestExport {
  type: "export.request";
  project_id: string;
  job_id?: string;
  format: "csv" | "gaeb" | "gaeb_x82" | "json" | "pdf" | "unixml" | "xlsx";
  version?: number | null;
}

/** Nobody had it yet: a job works it out. */
export interface Requested {
  analysis_id: string;
  kind: "contract" | "property";
  account_id: string;
  content_hash: string;
  job_id: string;
}

/** The feed is not followed: read the snapshot, and subscribe from the sequence that it is true at. `too_far`: more events are missing than the server replays. `ahead`: the feed has not got that far. `epoch`: the log was restored to an earlier point; positions in it mean nothing any more. */
export interface Reset {
  op: "reset";
  feed: string;
  epoch: string;
  head: number;
  reason: "ahead" | "epoch" | "too_far";
  id?: number | string | null;
}

/** Decide between two contradicting findings, and say why. */
export interface ResolveConflict {
  type: "audit.resolve_conflict";
  project_id: string;
  audit_id: string;
  conflict_id: string;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  by: "model" | "person" | "rule";
  resolution: string;
}

/** Open an archived project again. */
export interface RestoreProject {
  type: "project.restore";
  project_id: string;
}

/** Make the budget what it was at a version. That is a new version; nothing is forgotten. */
export interface RestoreVersion {
  type: "budget.restore_version";
  project_id: string;
  version: number;
}

/** The project is open again. */
export interface Restored {
  project_id: string;
}

/** A command's receipt, or a query's answer, which knows everything up to `position` of the log. An answer about a project that is true at one sequence of the project's feed tells it, with the life of the log. */
export interface Result {
  op: "result";
  id: number | string;
  result: unknown;
  position: number;
  sequence?: number | null;
  epoch?: string | null;
}

/** Another job works it out. */
export interface Retried {
  analysis_id: string;
  kind: "contract" | "property";
  account_id: string;
  content_hash: string;
  job_id: string;
}

/** Try an analysis again that failed, was stopped or cleaned up; one that runs or is done you are attached to. Takes somebody who brought its bytes before. */
export interface RetryAnalysis {
  type: "analysis.retry";
  account_id: string;
  analysis_id: string;
}

/** An attempt failed; the next is due later. */
export interface RetryScheduled {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  attempt: number;
  error_code: string;
  error: string;
  due_at: string;
}

/** Change what is given, and see the budget as it is now: that also renews an outdated one. It is a draft again. */
export interface ReviseVariation {
  type: "variation.revise";
  project_id: string;
  variation_id: string;
  name?: string;
  reason?: string;
  proposal?: Proposal;
  expected_revision?: number | null;
}

/** What `actor` did to a message: event `sequence` of the project's feed, by which `plumbline verify` proves it. `text`, links and mentions are those of this revision. `text` is null in a deletion, and everywhere once the author's data was erased. */
export interface RevisionItem {
  sequence: number;
  position: number;
  event_type: "message.deleted" | "message.edited" | "message.posted";
  at: string;
  actor: string;
  command_id: string | null;
  text: string | null;
  positions?: readonly (string)[];
  documents?: readonly (string)[];
  mentions?: readonly (string)[];
}

/** End a bearer token at once. */
export interface RevokeToken {
  type: "account.revoke_token";
  account_id: string;
  token_id: string;
}

/** Plan and administration right were set. */
export interface RoleGranted {
  account_id: string;
  plan: "business" | "enterprise" | "pro" | "user";
  admin?: boolean;
}

/** How many decimals a bill rounds to, half up: the line total always, its factors where a number is given. `round(round(quantity, quantity) * round(unit_price, unit_price), total)`; a factor of `None` enters as it is. */
export interface Rounding {
  total?: number;
  quantity?: number | null;
  unit_price?: number | null;
}

/** What a rule said of the position. `reason` tells why it was not checked; null if this program does not know. */
export interface RuleSaid {
  rule: string;
  title: string | null;
  expert_role: "concrete" | "cost" | "orchestrator" | "standards" | "structural" | "validator" | null;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reason: string | null;
}

/** A rule of an audit and how often it said what; title and role are null if this program no longer knows it. */
export interface RuleTold {
  rule: string;
  title: string | null;
  expert_role: "concrete" | "cost" | "orchestrator" | "standards" | "structural" | "validator" | null;
  counts: Readonly<Record<string, number>>;
}

/** Carry out a command, once: with the same `command_id` it is answered by its first receipt. */
export interface RunCommand {
  op: "command";
  id: number | string;
  command: unknown;
  command_id?: string | null;
}

/** What matches `text`, the best first, in the projects that the asking account may see. All words must be there, each in any form, without regard to case and accents; typing errors in a title are forgiven. A text that is a code, or its beginning, finds that code. What people say in threads is not searched: it is encrypted. */
export interface Search {
  type: "search.find";
  after?: number | null;
  snapshot?: boolean;
  limit?: number;
  cursor?: string | null;
  text: string;
  kind?: "document" | "finding" | "position" | null;
  project_id?: string | null;
}

/** What the lines in and below a section come to before and after. The path `[]` is the whole bill. */
export interface SectionDifference {
  section: readonly (string)[];
  before: string;
  after: string;
  cost_effect: string;
}

/** Sections in or below which a sum differs, in the bill's order, each before those below it. Where there are more than 500, the deepest are `left_out`: what is in them is in the sums of those above. */
export interface SectionDifferences {
  items: readonly (SectionDifference)[];
  left_out: number;
}

/** Answer with a pong, or be taken for dead. `t`: the server's time in milliseconds. */
export interface ServerPing {
  op: "ping";
  t: number;
}

/** Answer to the client's ping. */
export interface ServerPong {
  op: "pong";
  t?: number | null;
}

/** The socket goes on under the new credentials, until `expires_at` if they end. */
export interface SignedIn {
  op: "signed_in";
  id?: number | string | null;
  expires_at?: string | null;
}

/** What a phase means to somebody who does not know the engine. */
export type Stage = "end" | "progress" | "start";

/** Have the experts look at a version of the budget; without `version`, at the current one. */
export interface StartAudit {
  type: "audit.start";
  project_id: string;
  audit_id?: string;
  version?: number | null;
}

/** An attempt began. */
export interface Started {
  project_id: string;
  job_id: string;
  owner?: "account" | "analysis" | "project";
  attempt: number;
}

/** A state of the position: from version `since` on, before version `until`; null while it lasts. `changes` is what made it of the state before; empty for the first one. */
export interface State {
  since: number;
  until: number | null;
  revision: number;
  trigger: "chat_modification" | "document_added" | "initial" | "recalculation" | "restore" | "user_edit" | "variation" | null;
  changed_by: string;
  changed_at: string;
  changed_position: number;
  total_price: string | null;
  changes: Readonly<Record<string, Change>>;
}

/** A total that the file states, and where: of the object or section at `path`, or of the whole bill at `()`. `net` is without VAT, `gross` with it. `vat` is an amount of tax; `rate` in percent and `base`, the amount that is taxed, where the file states them. `rounding` is what the file adds to make the gross total round, if only 0. */
export interface StatedTotal {
  kind: "gross" | "net" | "rounding" | "vat";
  amount: string;
  path?: readonly (string)[];
  label?: string;
  rate?: string | null;
  base?: string | null;
  sheet?: string;
  line?: number;
}

/** How far a job is. `event_id` rises within the job; `scope` is the part of it (an operation, an attempt). `eta_ms`: the milliseconds still to go with this phase. */
export interface Step {
  event_id: number;
  scope: string;
  phase: string;
  stage?: string | null;
  step_index?: number | null;
  step_total?: number | null;
  items_done?: number | null;
  items_total?: number | null;
  eta_ms?: number | null;
}

/** Put a draft before those who approve. */
export interface SubmitVariation {
  type: "variation.submit";
  project_id: string;
  variation_id: string;
}

/** Send a feed's events: all behind sequence `after`, then live. Without `after`, live only. `epoch` is the life of the log that `after` belongs to, as an earlier `subscribed` told it. `types` wants only events of these types: names, or prefixes such as `position.*`. `about` wants only what names one of these ids: of documents, positions, threads, jobs or audits. With `window`, at most so many events travel without an `ack`. */
export interface Subscribe {
  op: "subscribe";
  id: number | string;
  feed: string;
  after?: number | null;
  epoch?: string | null;
  types?: readonly (string)[];
  about?: string | readonly (string)[] | null;
  window?: number | null;
}

/** The feed's events follow. `recovered`: from where the client asked for; else only those behind `head`. */
export interface Subscribed {
  op: "subscribed";
  id: number | string;
  feed: string;
  epoch: string;
  head: number;
  recovered: boolean;
}

/** Something that could be done about a finding, what it brings and what it risks. */
export interface Suggestion {
  action: string;
  benefit: string;
  risk: string;
}

/** An amount that the file adds after its items (overhead, profit, reserve): part of the grand total, no item. */
export interface Surcharge {
  label: string;
  amount: string;
  sheet?: string;
  line?: number;
}

/** Stop an account from acting, until it is reinstated. */
export interface Suspend {
  type: "account.suspend";
  account_id: string;
  reason: string;
}

/** The account may no longer act. */
export interface Suspended {
  account_id: string;
  reason: string;
}

/** One row of a quantity take-off under an item. `expression` is the cell's text as written (`"2,5*3,2 "podlaha"`), `value` its declared result in the item's unit, `None` where the file states none (a comment row). */
export interface TakeoffLine {
  expression: string;
  value?: string | null;
  kind?: "row" | "subtotal" | "total";
  line?: number;
}

/** A thread. `messages` are those that were not deleted. */
export interface ThreadItem {
  thread_id: string;
  title: string;
  about_position: string | null;
  about_document: string | null;
  messages: number;
  opened_by: string;
  opened_at: string;
  opened_position: number;
  last_posted_at: string | null;
}

/** People may talk about something. */
export interface ThreadOpened {
  project_id: string;
  thread_id: string;
  title: string;
  about_position?: string | null;
  about_document?: string | null;
}

/** A bearer token that is not revoked, without its secret. */
export interface TokenInfo {
  token_id: string;
  name: string;
  issued_at: string;
  expires_at?: string | null;
}

/** A bearer token was made; only its SHA-256 is kept. */
export interface TokenIssued {
  account_id: string;
  token_id: string;
  name: string;
  sha256: string;
  expires_at?: string | null;
}

/** A bearer token was ended. */
export interface TokenRevoked {
  account_id: string;
  token_id: string;
}

/** Send a feed's events no longer. */
export interface Unsubscribe {
  op: "unsubscribe";
  id: number | string;
  feed: string;
}

/** The feed's events end here: because the client said so (with its `id`), or for the reason in `code`. */
export interface Unsubscribed {
  op: "unsubscribed";
  feed: string;
  id?: number | string | null;
  code?: string;
}

/** A file was added. */
export interface Uploaded {
  project_id: string;
  document_id: string;
  filename: string;
  content_hash: string;
  size: number;
  purpose?: "budget" | "comparison";
}

/** A position that uses the code. */
export interface Use {
  project_id: string;
  project_name: string;
  position_id: string;
  number: string;
  code: string;
  description: string;
  quantity: string | null;
  unit: string;
  unit_price: string | null;
  total_price: string | null;
}

/** A variation was carried out: it is this version of the budget. */
export interface VariationApproved {
  project_id: string;
  variation_id: string;
  version: number;
  cost_effect: string;
}

/** A variation, and its items held against version `against` of the budget, which `cost_effect` is the sum of. `applies`: it could be approved as it is, or submitted first. `outdated` are the positions that keep it from that. */
export interface VariationDetail {
  variation_id: string;
  number: number;
  name: string;
  reason: string;
  status: "approved" | "draft" | "rejected" | "submitted" | "withdrawn";
  revision: number;
  cost_effect: string | null;
  drafted_by: string;
  drafted_at: string;
  submitted_by: string | null;
  submitted_at: string | null;
  closed_by: string | null;
  closed_at: string | null;
  rejection: string | null;
  version: number | null;
  against: number;
  applies: boolean;
  outdated: readonly (string)[];
  items: readonly (ProposedItem)[];
}

/** A variation was begun; `cost_effect` is what it adds to the total of the budget that it saw. The revisions in its proposal are those of the positions that it saw. */
export interface VariationDrafted {
  project_id: string;
  variation_id: string;
  number: number;
  name: string;
  reason: string;
  proposal: Proposal;
  cost_effect: string;
}

/** A variation. `version` is the one that it became when it was approved, `rejection` why it was not. `cost_effect` is what it adds to the total: of the budget that it saw when it was drafted or last revised, or of the one that it was approved for. */
export interface VariationItem {
  variation_id: string;
  number: number;
  name: string;
  reason: string;
  status: "approved" | "draft" | "rejected" | "submitted" | "withdrawn";
  revision: number;
  cost_effect: string | null;
  drafted_by: string;
  drafted_at: string;
  submitted_by: string | null;
  submitted_at: string | null;
  closed_by: string | null;
  closed_at: string | null;
  rejection: string | null;
  version: number | null;
}

/** A variation will not be carried out. */
export interface VariationRejected {
  project_id: string;
  variation_id: string;
  reason: string;
}

/** A variation reads like this now, and has seen the budget as it was then. It is a draft. */
export interface VariationRevised {
  project_id: string;
  variation_id: string;
  revision: number;
  name: string;
  reason: string;
  proposal: Proposal;
  cost_effect: string;
}

/** A variation waits for a decision, which `submitted_by` will hear of: an actor, empty in older events. */
export interface VariationSubmitted {
  project_id: string;
  variation_id: string;
  submitted_by?: string;
}

/** A variation was taken back. */
export interface VariationWithdrawn {
  project_id: string;
  variation_id: string;
}

/** An auditor put another verdict in the experts' place: `override` says it for later audits. */
export interface VerdictOverridden {
  project_id: string;
  audit_id: string;
  position_id: string;
  verdict: "AMBER" | "GREEN" | "NOT_CHECKED" | "RED";
  reason: string;
  override?: Override | null;
}

/** A version: who made it when, by what (`trigger`), and what the budget came to, in `currency`. */
export interface VersionItem {
  version: number;
  name: string | null;
  position: number;
  at: string;
  actor: string;
  command_id: string | null;
  trigger: "chat_modification" | "document_added" | "initial" | "recalculation" | "restore" | "user_edit" | "variation";
  trigger_details: Readonly<Record<string, unknown>>;
  total_positions: number;
  total_cost: string | null;
  delta_cost: string | null;
  currency: string;
  rounding: number;
  summary: string;
  changes: ChangeCounts;
}

/** A version can be found by a name. */
export interface VersionNamed {
  project_id: string;
  version: number;
  name: string;
}

/** A change is complete: this is what the budget comes to now. */
export interface Versioned {
  project_id: string;
  version: number;
  trigger: "chat_modification" | "document_added" | "initial" | "recalculation" | "restore" | "user_edit" | "variation";
  trigger_details?: Readonly<Record<string, unknown>>;
  total_positions: number;
  total_cost: string;
  delta_cost: string;
  currency?: string;
  rounding?: number;
  summary?: string;
  changes: ChangeCounts;
}

/** How two versions differ: totals, sums by section, counts, and a page of positions in the bill's order. A position that was changed and moved counts in both. */
export interface VersionsDifference {
  a: number;
  b: number;
  total_cost_a: string | null;
  total_cost_b: string | null;
  delta_cost: string | null;
  currency: string;
  added: number;
  removed: number;
  changed: number;
  moved: number;
  sections: SectionDifferences;
  items: readonly (Difference)[];
  next_cursor: string | null;
}

/** A price list to be read: a project's document, the day from which its prices hold, and whose they are. */
export interface Wanted {
  project_id: string;
  document_id: string;
  content_hash: string;
  priced_on: string;
  source?: string;
}

/** The socket is open and its sender known. Times are seconds, jitter is milliseconds. `expires_at`: when the credentials end, if they do; a fresh `auth` before that keeps the socket open. */
export interface Welcome {
  op: "welcome";
  connection_id: string;
  account_id: string;
  server_time: string;
  epoch: string;
  heartbeat_interval: number;
  heartbeat_timeout: number;
  reconnect_jitter_max_ms: number;
  limits: Allowance;
  expires_at?: string | null;
}

/** Take a variation back that nobody decided on yet. */
export interface WithdrawVariation {
  type: "variation.withdraw";
  project_id: string;
  variation_id: string;
}

export type Said =
  | Subscribe
  | Unsubscribe
  | Acknowledge
  | BePresent
  | RunCommand
  | Ask
  | Authenticate
  | ClientPing
  | ClientPong;

export type Told =
  | Welcome
  | Subscribed
  | CaughtUp
  | Advanced
  | Reset
  | Unsubscribed
  | Presence
  | Result
  | SignedIn
  | Error
  | ServerPing
  | ServerPong
  | Bye;

export interface Commands {
  "account.register": Register;
  "account.change_password": ChangePassword;
  "account.issue_token": IssueToken;
  "account.revoke_token": RevokeToken;
  "account.grant_role": GrantRole;
  "account.suspend": Suspend;
  "account.reinstate": Reinstate;
  "account.erase": Erase;
  "project.create": CreateProject;
  "project.rename": RenameProject;
  "project.describe": DescribeProject;
  "project.invite_member": InviteMember;
  "project.accept_invitation": AcceptInvitation;
  "project.change_member_role": ChangeMemberRole;
  "project.remove_member": RemoveMember;
  "project.archive": ArchiveProject;
  "project.restore": RestoreProject;
  "project.configure_audit": ConfigureAudit;
  "document.parse": ParseDocument;
  "document.replace": ReplaceDocument;
  "document.remove": RemoveDocument;
  "position.add": AddPosition;
  "position.edit": EditPosition;
  "position.remove": RemovePosition;
  "position.move": MovePosition;
  "budget.bulk_edit": BulkEdit;
  "budget.recalculate": Recalculate;
  "budget.restore_version": RestoreVersion;
  "budget.name_version": NameVersion;
  "variation.draft": DraftVariation;
  "variation.revise": ReviseVariation;
  "variation.submit": SubmitVariation;
  "variation.approve": ApproveVariation;
  "variation.reject": RejectVariation;
  "variation.withdraw": WithdrawVariation;
  "audit.start": StartAudit;
  "audit.resolve_conflict": ResolveConflict;
  "audit.override_verdict": OverrideVerdict;
  "audit.cancel": CancelAudit;
  "export.request": RequestExport;
  "job.request_cancel": RequestCancel;
  "operation.open": OpenOperation;
  "operation.report_step": ReportStep;
  "operation.close": CloseOperation;
  "thread.open": OpenThread;
  "message.post": PostMessage;
  "message.edit": EditMessage;
  "message.delete": DeleteMessage;
  "notification.mark_read": MarkRead;
  "catalogue.create": CreateCatalogue;
  "catalogue.rename": RenameCatalogue;
  "catalogue.remove": RemoveCatalogue;
  "catalogue.attach": AttachCatalogue;
  "catalogue.detach": DetachCatalogue;
  "catalogue.import_prices": ImportPrices;
  "analysis.request": RequestAnalysis;
  "analysis.detach": DetachAnalysis;
  "analysis.retry": RetryAnalysis;
  "analysis.evict": EvictAnalysis;
  "comparison.add": AddComparison;
  "comparison.remove": RemoveComparison;
  "cache.clean_up": CleanUpCache;
}

export interface Queries {
  "account.get": GetAccount;
  "members.list": ListMembers;
  "invitations.list": ListInvitations;
  "projects.list": ListProjects;
  "projects.get": GetProject;
  "documents.list": ListDocuments;
  "documents.get": GetDocument;
  "positions.list": ListPositions;
  "positions.get": GetPosition;
  "versions.list": ListVersions;
  "variations.list": ListVariations;
  "variations.get": GetVariation;
  "versions.diff": DiffVersions;
  "documents.diff": DiffDocuments;
  "audits.list": ListAudits;
  "audits.get": GetAudit;
  "findings.list": ListFindings;
  "jobs.list": ListJobs;
  "jobs.get": GetJob;
  "operations.list": ListOperations;
  "operations.get": GetOperation;
  "threads.list": ListThreads;
  "threads.messages": ListMessages;
  "messages.history": ListRevisions;
  "notifications.list": ListNotifications;
  "notifications.count": CountNotifications;
  "history.list": ListHistory;
  "search.find": Search;
  "positions.using_code": FindByCode;
  "catalogues.list": ListCatalogues;
  "catalogues.prices": ListPrices;
  "analyses.list": ListAnalyses;
  "analyses.get": GetAnalysis;
  "cache.stats": GetCacheStats;
}

export interface Answers {
  "account.get": AccountDetails;
  "members.list": Page_Member_;
  "invitations.list": Page_Invitation_;
  "projects.list": Page_ProjectItem_;
  "projects.get": ProjectItem;
  "documents.list": Page_DocumentItem_;
  "documents.get": DocumentItem;
  "positions.list": Page_PositionItem_;
  "positions.get": PositionDetails;
  "versions.list": Page_VersionItem_;
  "variations.list": Page_VariationItem_;
  "variations.get": VariationDetail;
  "versions.diff": VersionsDifference;
  "documents.diff": DocumentsDifference;
  "audits.list": Page_AuditItem_;
  "audits.get": AuditDetails;
  "findings.list": Page_FindingItem_;
  "jobs.list": Page_JobItem_;
  "jobs.get": JobDetails;
  "operations.list": Page_OperationItem_;
  "operations.get": OperationDetails;
  "threads.list": Page_ThreadItem_;
  "threads.messages": Page_MessageItem_;
  "messages.history": Page_RevisionItem_;
  "notifications.list": Page_NotificationItem_;
  "notifications.count": NotificationCount;
  "history.list": Page_HappenedItem_;
  "search.find": Page_Hit_;
  "positions.using_code": Page_Use_;
  "catalogues.list": Page_CatalogueItem_;
  "catalogues.prices": Page_PriceItem_;
  "analyses.list": Page_AnalysisItem_;
  "analyses.get": AnalysisItem;
  "cache.stats": AllCacheStats;
}

export interface Events {
  "account.registered": Registered;
  "account.password_changed": PasswordChanged;
  "account.token_issued": TokenIssued;
  "account.token_revoked": TokenRevoked;
  "account.role_granted": RoleGranted;
  "account.suspended": Suspended;
  "account.reinstated": Reinstated;
  "account.erased": Erased;
  "project.created": Created;
  "project.renamed": Renamed;
  "project.described": Described;
  "project.member_invited": MemberInvited;
  "project.member_joined": MemberJoined;
  "project.member_role_changed": MemberRoleChanged;
  "project.member_removed": MemberRemoved;
  "project.archived": Archived;
  "project.restored": Restored;
  "project.audit_configured": AuditConfigured;
  "document.uploaded": Uploaded;
  "document.parse_requested": ParseRequested;
  "document.parsed": Parsed;
  "document.parse_failed": ParseFailed;
  "document.replaced": Replaced;
  "document.removed": Removed;
  "budget.imported": Imported;
  "position.added": PositionAdded;
  "position.edited": PositionEdited;
  "position.removed": PositionRemoved;
  "position.moved": PositionMoved;
  "budget.versioned": Versioned;
  "budget.version_named": VersionNamed;
  "variation.drafted": VariationDrafted;
  "variation.revised": VariationRevised;
  "variation.submitted": VariationSubmitted;
  "variation.approved": VariationApproved;
  "variation.rejected": VariationRejected;
  "variation.withdrawn": VariationWithdrawn;
  "audit.started": AuditStarted;
  "audit.findings_recorded": FindingsRecorded;
  "audit.conflict_raised": ConflictRaised;
  "audit.conflict_resolved": ConflictResolved;
  "audit.verdict_overridden": VerdictOverridden;
  "audit.overrides_carried": OverridesCarried;
  "audit.completed": AuditCompleted;
  "audit.cancelled": AuditCancelled;
  "job.queued": Queued;
  "job.started": Started;
  "job.phase_entered": PhaseEntered;
  "job.completed": Completed;
  "job.failed": Failed;
  "job.retry_scheduled": RetryScheduled;
  "job.cancel_requested": CancelRequested;
  "job.cancelled": Cancelled;
  "operation.opened": OperationOpened;
  "operation.phase_entered": OperationPhaseEntered;
  "operation.milestone_reached": MilestoneReached;
  "operation.closed": OperationClosed;
  "thread.opened": ThreadOpened;
  "message.posted": MessagePosted;
  "message.edited": MessageEdited;
  "message.deleted": MessageDeleted;
  "notification.sent": NotificationSent;
  "notification.read": NotificationsRead;
  "catalogue.created": CatalogueCreated;
  "catalogue.renamed": CatalogueRenamed;
  "catalogue.removed": CatalogueRemoved;
  "catalogue.attached": CatalogueAttached;
  "catalogue.detached": CatalogueDetached;
  "catalogue.prices_requested": PricesRequested;
  "catalogue.prices_recorded": PricesRecorded;
  "catalogue.versioned": CatalogueVersioned;
  "catalogue.prices_failed": PricesFailed;
  "analysis.requested": Requested;
  "analysis.attached": Attached;
  "analysis.detached": Detached;
  "analysis.retried": Retried;
  "analysis.completed": AnalysisCompleted;
  "analysis.failed": AnalysisFailed;
  "analysis.evicted": Evicted;
  "comparison.added": ComparisonAdded;
  "comparison.removed": ComparisonRemoved;
  "cache.clean_up_requested": CleanUpRequested;
  "cache.cleaned_up": CleanedUp;
  "claim.taken": ClaimTaken;
  "claim.released": ClaimReleased;
}

export const QUERY_PATHS: Record<string, string> = {
  "account.get": "/api/account",
  "invitations.list": "/api/invitations",
  "projects.list": "/api/projects",
  "positions.using_code": "/api/positions",
  "search.find": "/api/search",
  "catalogues.list": "/api/catalogues",
  "analyses.list": "/api/analyses",
  "cache.stats": "/api/admin/cache/stats",
  "notifications.list": "/api/notifications",
  "notifications.count": "/api/notifications/count",
  "analyses.get": "/api/analyses/{analysis_id}",
  "catalogues.prices": "/api/catalogues/{catalogue_id}/prices",
  "projects.get": "/api/projects/{project_id}",
  "members.list": "/api/projects/{project_id}/members",
  "documents.list": "/api/projects/{project_id}/documents",
  "positions.list": "/api/projects/{project_id}/positions",
  "versions.list": "/api/projects/{project_id}/versions",
  "variations.list": "/api/projects/{project_id}/variations",
  "audits.list": "/api/projects/{project_id}/audits",
  "findings.list": "/api/projects/{project_id}/audits/{audit_id}/findings",
  "jobs.list": "/api/projects/{project_id}/jobs",
  "operations.list": "/api/projects/{project_id}/operations",
  "threads.list": "/api/projects/{project_id}/threads",
  "history.list": "/api/projects/{project_id}/history",
  "jobs.get": "/api/projects/{project_id}/jobs/{job_id}",
  "documents.get": "/api/projects/{project_id}/documents/{document_id}",
  "documents.diff": "/api/projects/{project_id}/documents/{document_id}/differences",
  "positions.get": "/api/projects/{project_id}/positions/{position_id}",
  "variations.get": "/api/projects/{project_id}/variations/{variation_id}",
  "audits.get": "/api/projects/{project_id}/audits/{audit_id}",
  "operations.get": "/api/projects/{project_id}/operations/{operation_id}",
  "threads.messages": "/api/projects/{project_id}/threads/{thread_id}/messages",
  "versions.diff": "/api/projects/{project_id}/versions/{a}..{b}",
  "messages.history": "/api/projects/{project_id}/threads/{thread_id}/messages/{message_id}/history",
};

export const TOLD: Record<string, string> = {
  "welcome": "Welcome",
  "subscribed": "Subscribed",
  "caught_up": "CaughtUp",
  "advanced": "Advanced",
  "reset": "Reset",
  "unsubscribed": "Unsubscribed",
  "presence": "Presence",
  "result": "Result",
  "signed_in": "SignedIn",
  "error": "Error",
  "ping": "ServerPing",
  "pong": "ServerPong",
  "bye": "Bye",
};

export const EVENTS: Record<string, string> = {
  "account.registered": "Registered",
  "account.password_changed": "PasswordChanged",
  "account.token_issued": "TokenIssued",
  "account.token_revoked": "TokenRevoked",
  "account.role_granted": "RoleGranted",
  "account.suspended": "Suspended",
  "account.reinstated": "Reinstated",
  "account.erased": "Erased",
  "project.created": "Created",
  "project.renamed": "Renamed",
  "project.described": "Described",
  "project.member_invited": "MemberInvited",
  "project.member_joined": "MemberJoined",
  "project.member_role_changed": "MemberRoleChanged",
  "project.member_removed": "MemberRemoved",
  "project.archived": "Archived",
  "project.restored": "Restored",
  "project.audit_configured": "AuditConfigured",
  "document.uploaded": "Uploaded",
  "document.parse_requested": "ParseRequested",
  "document.parsed": "Parsed",
  "document.parse_failed": "ParseFailed",
  "document.replaced": "Replaced",
  "document.removed": "Removed",
  "budget.imported": "Imported",
  "position.added": "PositionAdded",
  "position.edited": "PositionEdited",
  "position.removed": "PositionRemoved",
  "position.moved": "PositionMoved",
  "budget.versioned": "Versioned",
  "budget.version_named": "VersionNamed",
  "variation.drafted": "VariationDrafted",
  "variation.revised": "VariationRevised",
  "variation.submitted": "VariationSubmitted",
  "variation.approved": "VariationApproved",
  "variation.rejected": "VariationRejected",
  "variation.withdrawn": "VariationWithdrawn",
  "audit.started": "AuditStarted",
  "audit.findings_recorded": "FindingsRecorded",
  "audit.conflict_raised": "ConflictRaised",
  "audit.conflict_resolved": "ConflictResolved",
  "audit.verdict_overridden": "VerdictOverridden",
  "audit.overrides_carried": "OverridesCarried",
  "audit.completed": "AuditCompleted",
  "audit.cancelled": "AuditCancelled",
  "job.queued": "Queued",
  "job.started": "Started",
  "job.phase_entered": "PhaseEntered",
  "job.completed": "Completed",
  "job.failed": "Failed",
  "job.retry_scheduled": "RetryScheduled",
  "job.cancel_requested": "CancelRequested",
  "job.cancelled": "Cancelled",
  "operation.opened": "OperationOpened",
  "operation.phase_entered": "OperationPhaseEntered",
  "operation.milestone_reached": "MilestoneReached",
  "operation.closed": "OperationClosed",
  "thread.opened": "ThreadOpened",
  "message.posted": "MessagePosted",
  "message.edited": "MessageEdited",
  "message.deleted": "MessageDeleted",
  "notification.sent": "NotificationSent",
  "notification.read": "NotificationsRead",
  "catalogue.created": "CatalogueCreated",
  "catalogue.renamed": "CatalogueRenamed",
  "catalogue.removed": "CatalogueRemoved",
  "catalogue.attached": "CatalogueAttached",
  "catalogue.detached": "CatalogueDetached",
  "catalogue.prices_requested": "PricesRequested",
  "catalogue.prices_recorded": "PricesRecorded",
  "catalogue.versioned": "CatalogueVersioned",
  "catalogue.prices_failed": "PricesFailed",
  "analysis.requested": "Requested",
  "analysis.attached": "Attached",
  "analysis.detached": "Detached",
  "analysis.retried": "Retried",
  "analysis.completed": "AnalysisCompleted",
  "analysis.failed": "AnalysisFailed",
  "analysis.evicted": "Evicted",
  "comparison.added": "ComparisonAdded",
  "comparison.removed": "ComparisonRemoved",
  "cache.clean_up_requested": "CleanUpRequested",
  "cache.cleaned_up": "CleanedUp",
  "claim.taken": "ClaimTaken",
  "claim.released": "ClaimReleased",
};

export const SCHEMAS: Record<string, Schema> = {
  "Addition": {"type": "object", "required": ["position_id", "fields"], "properties": {"position_id": {"type": "string", "format": "uuid"}, "fields": {"$ref": "Edit"}, "after": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}}},
  "Advanced": {"type": "object", "required": ["op", "feed", "sequence"], "properties": {"op": {"enum": ["advanced"]}, "feed": {"type": "string"}, "sequence": {"type": "integer"}}},
  "Allowance": {"type": "object", "required": ["message_bytes", "messages_per_second", "burst", "feeds", "in_flight"], "properties": {"message_bytes": {"type": "integer"}, "messages_per_second": {"type": "number"}, "burst": {"type": "integer"}, "feeds": {"type": "integer"}, "in_flight": {"type": "integer"}}},
  "AnalysisCompleted": {"type": "object", "required": ["analysis_id", "kind", "job_id", "result_hash", "found"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "job_id": {"type": "string", "format": "uuid"}, "result_hash": {"type": "string"}, "found": {"type": "object", "additionalProperties": {"type": "integer"}}, "missing": {"type": "array", "items": {"type": "string"}}, "language": {"type": "string"}, "pages": {"type": "integer"}}},
  "AnalysisFailed": {"type": "object", "required": ["analysis_id", "kind", "job_id", "error_code", "error"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "job_id": {"type": "string", "format": "uuid"}, "error_code": {"type": "string"}, "error": {"type": "string"}}},
  "Archived": {"type": "object", "required": ["project_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}}},
  "Attached": {"type": "object", "required": ["analysis_id", "kind", "account_id"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "account_id": {"type": "string", "format": "uuid"}, "hit": {"type": "boolean"}}},
  "AuditCancelled": {"type": "object", "required": ["project_id", "audit_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}}},
  "AuditCompleted": {"type": "object", "required": ["project_id", "audit_id", "version", "verdicts", "rules"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "verdicts": {"type": "object", "additionalProperties": {"type": "integer"}}, "rules": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}}}},
  "AuditConfigured": {"type": "object", "required": ["project_id", "settings"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "settings": {"$ref": "AuditSettings"}}},
  "AuditSettings": {"type": "object", "properties": {"profile": {"enum": ["cz", "en206", "tkp17"]}, "design_life": {"enum": [50, 100]}, "priced_on": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "price_spread": {"type": "string", "format": "decimal"}, "price_spread_red": {"type": "string", "format": "decimal"}, "outlier_score": {"type": "string", "format": "decimal"}, "outlier_prices": {"type": "integer", "minimum": 3}, "dominant_share": {"type": "string", "format": "decimal"}, "lump_share": {"type": "string", "format": "decimal"}, "unbalance": {"type": "string", "format": "decimal"}, "catalogue_band": {"type": "string", "format": "decimal"}, "catalogue_band_red": {"type": "string", "format": "decimal"}, "price_age": {"type": "integer", "minimum": 1}, "rebar_least": {"type": "string", "format": "decimal"}, "rebar_most": {"type": "string", "format": "decimal"}, "formwork_least": {"type": "string", "format": "decimal"}, "formwork_most": {"type": "string", "format": "decimal"}}},
  "AuditStarted": {"type": "object", "required": ["project_id", "audit_id", "version", "rules"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "rules": {"type": "array", "items": {"type": "string"}}, "settings": {"anyOf": [{"$ref": "AuditSettings"}, {"type": "null"}]}, "previous": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "compared": {"type": "array", "items": {"$ref": "Compared"}}}},
  "BillSection": {"type": "object", "required": ["path"], "properties": {"path": {"type": "array", "items": {"type": "string"}}, "title": {"type": "string"}, "kind": {"enum": ["object", "section"]}, "declared_total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "notes": {"type": "array", "items": {"type": "string"}}, "sheet": {"type": "string"}, "line": {"type": "integer"}}},
  "BulkItem": {"type": "object", "required": ["position_id", "changes"], "properties": {"position_id": {"type": "string", "format": "uuid"}, "changes": {"$ref": "Edit"}, "expected_revision": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}}},
  "Bye": {"type": "object", "required": ["op", "code", "reason", "reconnect", "retry_after_ms"], "properties": {"op": {"enum": ["bye"]}, "code": {"type": "integer"}, "reason": {"type": "string"}, "reconnect": {"type": "boolean"}, "retry_after_ms": {"type": "integer"}}},
  "CancelRequested": {"type": "object", "required": ["project_id", "job_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}}},
  "Cancelled": {"type": "object", "required": ["project_id", "job_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}}},
  "CatalogueAttached": {"type": "object", "required": ["account_id", "catalogue_id", "project_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "project_id": {"type": "string", "format": "uuid"}}},
  "CatalogueCreated": {"type": "object", "required": ["account_id", "catalogue_id", "name", "currency"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}, "currency": {"type": "string"}}},
  "CatalogueDetached": {"type": "object", "required": ["account_id", "catalogue_id", "project_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "project_id": {"type": "string", "format": "uuid"}}},
  "CatalogueRemoved": {"type": "object", "required": ["account_id", "catalogue_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}}},
  "CatalogueRenamed": {"type": "object", "required": ["account_id", "catalogue_id", "name"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}}},
  "CatalogueVersioned": {"type": "object", "required": ["account_id", "catalogue_id", "request", "version", "prices", "skipped", "priced_on"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "request": {"type": "integer"}, "version": {"type": "integer"}, "prices": {"type": "integer"}, "skipped": {"type": "integer"}, "priced_on": {"type": "string", "format": "date"}, "source": {"type": "string"}}},
  "CaughtUp": {"type": "object", "required": ["op", "feed", "sequence"], "properties": {"op": {"enum": ["caught_up"]}, "feed": {"type": "string"}, "sequence": {"type": "integer"}}},
  "ChangeCounts": {"type": "object", "properties": {"added": {"type": "integer"}, "removed": {"type": "integer"}, "modified": {"type": "integer"}}},
  "Changes": {"type": "object", "properties": {"number": {"type": "string"}, "code": {"type": "string"}, "description": {"type": "string"}, "category": {"type": "string"}, "kind": {"enum": ["material", "other", "work"]}, "section": {"type": "array", "items": {"type": "string"}}, "quantity": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "unit": {"type": "string"}, "unit_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "vat_rate": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "notes": {"type": "array", "items": {"type": "string"}}, "enrichment": {"type": "object"}, "metadata": {"type": "object"}, "code_system": {"enum": ["gaeb", "otskp", "own", "rts", "urs"]}, "material_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "assembly_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "total_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "declared_total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "takeoff": {"type": "array", "items": {"$ref": "TakeoffLine"}}, "source": {"enum": ["ai_suggested", "generated", "manual", "uploaded"]}, "source_document_id": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "source_sheet": {"type": "string"}, "source_line": {"type": "integer"}, "rounding": {"anyOf": [{"$ref": "Rounding"}, {"type": "null"}]}, "rank": {"type": "integer"}}},
  "ClaimReleased": {"type": "object", "required": ["claim"], "properties": {"claim": {"type": "string"}}},
  "ClaimTaken": {"type": "object", "required": ["claim", "holder"], "properties": {"claim": {"type": "string"}, "holder": {"type": "string"}}},
  "CleanUpRequested": {"type": "object", "required": ["account_id", "clean_up_id", "unused_since"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "clean_up_id": {"type": "string", "format": "uuid"}, "unused_since": {"type": "string"}}},
  "CleanedUp": {"type": "object", "required": ["account_id", "clean_up_id", "contracts", "properties"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "clean_up_id": {"type": "string", "format": "uuid"}, "contracts": {"type": "integer"}, "properties": {"type": "integer"}}},
  "Compared": {"type": "object", "required": ["document_id", "compared_as", "name", "bill_hash"], "properties": {"document_id": {"type": "string", "format": "uuid"}, "compared_as": {"enum": ["bid", "estimate"]}, "name": {"type": "string"}, "bill_hash": {"type": "string"}}},
  "ComparisonAdded": {"type": "object", "required": ["project_id", "document_id", "compared_as"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "compared_as": {"enum": ["bid", "estimate"]}, "bidder": {"type": "string"}}},
  "ComparisonRemoved": {"type": "object", "required": ["project_id", "document_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}}},
  "Completed": {"type": "object", "required": ["project_id", "job_id", "attempt"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "attempt": {"type": "integer"}, "result": {"type": "object"}}},
  "ConflictRaised": {"type": "object", "required": ["project_id", "audit_id", "conflict_id", "position_id", "rules", "description"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "conflict_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}, "rules": {"type": "array"}, "description": {"type": "string"}}},
  "ConflictResolved": {"type": "object", "required": ["project_id", "audit_id", "conflict_id", "position_id", "verdict", "by", "resolution"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "conflict_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}, "verdict": {"enum": ["AMBER", "GREEN", "NOT_CHECKED", "RED"]}, "by": {"enum": ["model", "person", "rule"]}, "resolution": {"type": "string"}, "override": {"anyOf": [{"$ref": "Override"}, {"type": "null"}]}}},
  "Created": {"type": "object", "required": ["project_id", "name", "owner"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}, "owner": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "workflow": {"enum": ["workflow_a", "workflow_b"]}}},
  "Declared": {"type": "object", "properties": {"total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "sections": {"type": "array", "items": {"$ref": "BillSection"}}, "surcharges": {"type": "array", "items": {"$ref": "Surcharge"}}, "totals": {"type": "array", "items": {"$ref": "StatedTotal"}}}},
  "Described": {"type": "object", "required": ["project_id", "description"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}}},
  "Detached": {"type": "object", "required": ["analysis_id", "kind", "account_id"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "account_id": {"type": "string", "format": "uuid"}, "stops": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}}},
  "Edit": {"type": "object", "properties": {"number": {"type": "string"}, "code": {"type": "string"}, "description": {"type": "string"}, "category": {"type": "string"}, "kind": {"enum": ["material", "other", "work"]}, "section": {"type": "array", "items": {"type": "string"}}, "quantity": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "unit": {"type": "string"}, "unit_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "vat_rate": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "notes": {"type": "array", "items": {"type": "string"}}, "enrichment": {"type": "object"}, "metadata": {"type": "object"}}},
  "Erased": {"type": "object", "required": ["account_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}}},
  "Error": {"type": "object", "required": ["op", "problem"], "properties": {"op": {"enum": ["error"]}, "problem": {"type": "object"}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}}},
  "Evicted": {"type": "object", "required": ["analysis_id", "kind"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}}},
  "Export": {"type": "object", "required": ["format", "version", "asked_at"], "properties": {"format": {"enum": ["csv", "gaeb", "gaeb_x82", "json", "pdf", "unixml", "xlsx"]}, "version": {"type": "integer"}, "asked_at": {"type": "string"}}},
  "Failed": {"type": "object", "required": ["project_id", "job_id", "attempt", "error_code", "error"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "attempt": {"type": "integer"}, "error_code": {"type": "string"}, "error": {"type": "string"}}},
  "Finding": {"type": "object", "required": ["rule", "expert_role", "recommendation", "reasoning"], "properties": {"rule": {"type": "string"}, "expert_role": {"enum": ["concrete", "cost", "orchestrator", "standards", "structural", "validator"]}, "recommendation": {"enum": ["AMBER", "GREEN", "NOT_CHECKED", "RED"]}, "reasoning": {"type": "string"}, "position_id": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "section": {"type": "array", "items": {"type": "string"}}, "confidence": {"type": "integer"}, "evidence": {"type": "object", "additionalProperties": {"type": "string"}}, "issues": {"type": "array", "items": {"$ref": "Issue"}}, "suggestions": {"type": "array", "items": {"$ref": "Suggestion"}}, "demand": {"type": "string"}}},
  "FindingsRecorded": {"type": "object", "required": ["project_id", "audit_id", "part", "outcomes", "verdicts", "findings"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "part": {"type": "integer"}, "outcomes": {"type": "object", "additionalProperties": {"type": "string"}}, "verdicts": {"type": "object", "additionalProperties": {"enum": ["AMBER", "GREEN", "NOT_CHECKED", "RED"]}}, "findings": {"type": "array", "items": {"$ref": "Finding"}}, "revisions": {"type": "object", "additionalProperties": {"type": "integer"}}}},
  "Imported": {"type": "object", "required": ["project_id", "document_id", "part", "first_rank", "positions", "currency"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "part": {"type": "integer"}, "first_rank": {"type": "integer"}, "positions": {"type": "array", "items": {"$ref": "Position"}}, "declared": {"anyOf": [{"$ref": "Declared"}, {"type": "null"}]}, "currency": {"type": "string"}, "rounding": {"type": "integer"}}},
  "Issue": {"type": "object", "required": ["type", "severity", "description", "suggestion"], "properties": {"type": {"type": "string"}, "severity": {"enum": ["error", "info", "warning"]}, "description": {"type": "string"}, "suggestion": {"type": "string"}}},
  "MemberInvited": {"type": "object", "required": ["project_id", "account_id", "role"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "role": {"enum": ["auditor", "editor", "owner", "viewer"]}}},
  "MemberJoined": {"type": "object", "required": ["project_id", "account_id", "role"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "role": {"enum": ["auditor", "editor", "owner", "viewer"]}}},
  "MemberRemoved": {"type": "object", "required": ["project_id", "account_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}}},
  "MemberRoleChanged": {"type": "object", "required": ["project_id", "account_id", "role"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "role": {"enum": ["auditor", "editor", "owner", "viewer"]}}},
  "MessageDeleted": {"type": "object", "required": ["project_id", "thread_id", "message_id", "account_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "thread_id": {"type": "string", "format": "uuid"}, "message_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}}},
  "MessageEdited": {"type": "object", "required": ["project_id", "thread_id", "message_id", "account_id", "revision", "text"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "thread_id": {"type": "string", "format": "uuid"}, "message_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "revision": {"type": "integer"}, "text": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}, "positions": {"type": "array", "items": {"type": "string", "format": "uuid"}}, "documents": {"type": "array", "items": {"type": "string", "format": "uuid"}}, "mentions": {"type": "array", "items": {"type": "string", "format": "uuid"}}, "newly_mentioned": {"type": "array", "items": {"type": "string", "format": "uuid"}}}},
  "MessagePosted": {"type": "object", "required": ["project_id", "thread_id", "message_id", "account_id", "role", "message_type", "text"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "thread_id": {"type": "string", "format": "uuid"}, "message_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "role": {"enum": ["assistant", "system", "user"]}, "message_type": {"enum": ["answer", "clarification", "command", "question"]}, "text": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}, "positions": {"type": "array", "items": {"type": "string", "format": "uuid"}}, "documents": {"type": "array", "items": {"type": "string", "format": "uuid"}}, "mentions": {"type": "array", "items": {"type": "string", "format": "uuid"}}}},
  "MilestoneReached": {"type": "object", "required": ["project_id", "operation_id", "job_id", "event_id", "phase", "stage"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "operation_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "event_id": {"type": "integer"}, "phase": {"type": "string"}, "stage": {"$ref": "Stage"}, "step_index": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "step_total": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "items_done": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "items_total": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
  "NotificationSent": {"type": "object", "required": ["account_id", "number", "kind", "subject"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "number": {"type": "integer"}, "kind": {"enum": ["analysis_complete", "analysis_failed", "conflict_raised", "invited", "job_complete", "job_failed", "mentioned", "variation_approved", "variation_rejected", "variation_submitted"]}, "project_id": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "subject": {"type": "string", "format": "uuid"}, "details": {"type": "object", "additionalProperties": {"type": "string"}}}},
  "NotificationsRead": {"type": "object", "required": ["account_id", "numbers"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "numbers": {"type": "array", "items": {"type": "integer"}}}},
  "Omission": {"type": "object", "required": ["position_id"], "properties": {"position_id": {"type": "string", "format": "uuid"}, "expected_revision": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}}},
  "OperationClosed": {"type": "object", "required": ["project_id", "operation_id", "job_id", "outcome"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "operation_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "outcome": {"enum": ["cancelled", "completed", "failed"]}, "error": {"type": "string"}}},
  "OperationOpened": {"type": "object", "required": ["project_id", "operation_id", "job_id", "name"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "operation_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}}},
  "OperationPhaseEntered": {"type": "object", "required": ["project_id", "operation_id", "job_id", "event_id", "phase", "stage"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "operation_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "event_id": {"type": "integer"}, "phase": {"type": "string"}, "stage": {"$ref": "Stage"}, "step_index": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "step_total": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
  "Override": {"type": "object", "required": ["position_id", "verdict", "reason", "revision", "by", "at"], "properties": {"position_id": {"type": "string", "format": "uuid"}, "verdict": {"enum": ["AMBER", "GREEN", "NOT_CHECKED", "RED"]}, "reason": {"type": "string"}, "revision": {"type": "integer"}, "by": {"type": "string"}, "at": {"type": "string"}}},
  "OverridesCarried": {"type": "object", "required": ["project_id", "audit_id", "overrides"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "overrides": {"type": "array", "items": {"$ref": "Override"}}}},
  "ParseFailed": {"type": "object", "required": ["project_id", "document_id", "error_code", "error"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "error_code": {"type": "string"}, "error": {"type": "string"}}},
  "ParseRequested": {"type": "object", "required": ["project_id", "document_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}}},
  "Parsed": {"type": "object", "required": ["project_id", "document_id", "bill_hash", "format", "confidence", "items", "priced", "currency"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "bill_hash": {"type": "string"}, "format": {"type": "string"}, "confidence": {"type": "integer"}, "items": {"type": "integer"}, "priced": {"type": "integer"}, "currency": {"type": "string"}, "declared_total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "skipped": {"type": "integer"}, "warnings": {"type": "array", "items": {"type": "string"}}}},
  "PasswordChanged": {"type": "object", "required": ["account_id", "password_hash"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "password_hash": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}}},
  "PhaseEntered": {"type": "object", "required": ["project_id", "job_id", "attempt", "phase"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "attempt": {"type": "integer"}, "phase": {"type": "string"}}},
  "Position": {"type": "object", "required": ["position_id"], "properties": {"position_id": {"type": "string", "format": "uuid"}, "number": {"type": "string"}, "code": {"type": "string"}, "code_system": {"enum": ["gaeb", "otskp", "own", "rts", "urs"]}, "description": {"type": "string"}, "category": {"type": "string"}, "kind": {"enum": ["material", "other", "work"]}, "role": {"enum": ["alternative", "base", "optional"]}, "section": {"type": "array", "items": {"type": "string"}}, "quantity": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "unit": {"type": "string"}, "unit_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "material_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "assembly_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "total_price": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "declared_total": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "vat_rate": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "notes": {"type": "array", "items": {"type": "string"}}, "takeoff": {"type": "array", "items": {"$ref": "TakeoffLine"}}, "source": {"enum": ["ai_suggested", "generated", "manual", "uploaded"]}, "source_document_id": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "source_sheet": {"type": "string"}, "source_line": {"type": "integer"}, "rounding": {"anyOf": [{"$ref": "Rounding"}, {"type": "null"}]}, "revision": {"type": "integer"}, "enrichment": {"type": "object"}, "metadata": {"type": "object"}}},
  "PositionAdded": {"type": "object", "required": ["project_id", "position", "rank"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "position": {"$ref": "Position"}, "rank": {"type": "integer"}}},
  "PositionEdited": {"type": "object", "required": ["project_id", "position_id", "revision", "changes"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}, "revision": {"type": "integer"}, "changes": {"$ref": "Changes"}}},
  "PositionMoved": {"type": "object", "required": ["project_id", "position_id", "revision", "rank"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}, "revision": {"type": "integer"}, "rank": {"type": "integer"}, "section": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}}},
  "PositionRemoved": {"type": "object", "required": ["project_id", "position_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}}},
  "Presence": {"type": "object", "required": ["op", "feed", "complete", "here"], "properties": {"op": {"enum": ["presence"]}, "feed": {"type": "string"}, "complete": {"type": "boolean"}, "here": {"type": "array", "items": {"$ref": "Present"}}, "left": {"type": "array", "items": {"type": "string", "format": "uuid"}}}},
  "Present": {"type": "object", "required": ["connection_id", "account_id", "state"], "properties": {"connection_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "state": {"type": "object"}}},
  "Price": {"type": "object", "required": ["unit", "unit_price"], "properties": {"code": {"type": "string"}, "description": {"type": "string"}, "unit": {"type": "string"}, "unit_price": {"type": "string", "format": "decimal"}}},
  "PricesFailed": {"type": "object", "required": ["account_id", "catalogue_id", "request", "error_code", "error"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "request": {"type": "integer"}, "error_code": {"type": "string"}, "error": {"type": "string"}}},
  "PricesRecorded": {"type": "object", "required": ["account_id", "catalogue_id", "version", "first", "prices"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "first": {"type": "integer"}, "prices": {"type": "array", "items": {"$ref": "Price"}}}},
  "PricesRequested": {"type": "object", "required": ["account_id", "catalogue_id", "request", "wanted"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "catalogue_id": {"type": "string", "format": "uuid"}, "request": {"type": "integer"}, "wanted": {"$ref": "Wanted"}}},
  "Proposal": {"type": "object", "properties": {"additions": {"type": "array", "items": {"$ref": "Addition"}}, "changes": {"type": "array", "items": {"$ref": "BulkItem"}}, "omissions": {"type": "array", "items": {"$ref": "Omission"}}}},
  "Queued": {"type": "object", "required": ["project_id", "job_id", "kind", "subject"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "kind": {"enum": ["analysis", "audit", "clean_up", "export", "import", "parse", "prices"]}, "subject": {"type": "string", "format": "uuid"}, "queue": {"enum": ["critical", "default", "high", "low"]}, "requested_by": {"type": "string"}, "export": {"anyOf": [{"$ref": "Export"}, {"type": "null"}]}}},
  "Registered": {"type": "object", "required": ["account_id", "email", "name", "password_hash"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "email": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}, "name": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}, "password_hash": {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "null"}]}}},
  "Reinstated": {"type": "object", "required": ["account_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}}},
  "Removed": {"type": "object", "required": ["project_id", "document_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}}},
  "Renamed": {"type": "object", "required": ["project_id", "name"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}}},
  "Replaced": {"type": "object", "required": ["project_id", "document_id", "by"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "by": {"type": "string", "format": "uuid"}}},
  "Requested": {"type": "object", "required": ["analysis_id", "kind", "account_id", "content_hash", "job_id"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "account_id": {"type": "string", "format": "uuid"}, "content_hash": {"type": "string"}, "job_id": {"type": "string", "format": "uuid"}}},
  "Reset": {"type": "object", "required": ["op", "feed", "epoch", "head", "reason"], "properties": {"op": {"enum": ["reset"]}, "feed": {"type": "string"}, "epoch": {"type": "string", "format": "uuid"}, "head": {"type": "integer"}, "reason": {"enum": ["ahead", "epoch", "too_far"]}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}}},
  "Restored": {"type": "object", "required": ["project_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}}},
  "Result": {"type": "object", "required": ["op", "id", "result", "position"], "properties": {"op": {"enum": ["result"]}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "result": {}, "position": {"type": "integer"}, "sequence": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "epoch": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}}},
  "Retried": {"type": "object", "required": ["analysis_id", "kind", "account_id", "content_hash", "job_id"], "properties": {"analysis_id": {"type": "string", "format": "uuid"}, "kind": {"enum": ["contract", "property"]}, "account_id": {"type": "string", "format": "uuid"}, "content_hash": {"type": "string"}, "job_id": {"type": "string", "format": "uuid"}}},
  "RetryScheduled": {"type": "object", "required": ["project_id", "job_id", "attempt", "error_code", "error", "due_at"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "attempt": {"type": "integer"}, "error_code": {"type": "string"}, "error": {"type": "string"}, "due_at": {"type": "string"}}},
  "RoleGranted": {"type": "object", "required": ["account_id", "plan"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "plan": {"enum": ["business", "enterprise", "pro", "user"]}, "admin": {"type": "boolean"}}},
  "Rounding": {"type": "object", "properties": {"total": {"type": "integer"}, "quantity": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "unit_price": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}},
  "ServerPing": {"type": "object", "required": ["op", "t"], "properties": {"op": {"enum": ["ping"]}, "t": {"type": "integer"}}},
  "ServerPong": {"type": "object", "required": ["op"], "properties": {"op": {"enum": ["pong"]}, "t": {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]}}},
  "SignedIn": {"type": "object", "required": ["op"], "properties": {"op": {"enum": ["signed_in"]}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}, "expires_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}}},
  "Stage": {"enum": ["end", "progress", "start"]},
  "Started": {"type": "object", "required": ["project_id", "job_id", "attempt"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "job_id": {"type": "string", "format": "uuid"}, "owner": {"enum": ["account", "analysis", "project"]}, "attempt": {"type": "integer"}}},
  "StatedTotal": {"type": "object", "required": ["kind", "amount"], "properties": {"kind": {"enum": ["gross", "net", "rounding", "vat"]}, "amount": {"type": "string", "format": "decimal"}, "path": {"type": "array", "items": {"type": "string"}}, "label": {"type": "string"}, "rate": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "base": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "sheet": {"type": "string"}, "line": {"type": "integer"}}},
  "Subscribed": {"type": "object", "required": ["op", "id", "feed", "epoch", "head", "recovered"], "properties": {"op": {"enum": ["subscribed"]}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "feed": {"type": "string"}, "epoch": {"type": "string", "format": "uuid"}, "head": {"type": "integer"}, "recovered": {"type": "boolean"}}},
  "Suggestion": {"type": "object", "required": ["action", "benefit", "risk"], "properties": {"action": {"type": "string"}, "benefit": {"type": "string"}, "risk": {"type": "string"}}},
  "Surcharge": {"type": "object", "required": ["label", "amount"], "properties": {"label": {"type": "string"}, "amount": {"type": "string", "format": "decimal"}, "sheet": {"type": "string"}, "line": {"type": "integer"}}},
  "Suspended": {"type": "object", "required": ["account_id", "reason"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "reason": {"type": "string"}}},
  "TakeoffLine": {"type": "object", "required": ["expression"], "properties": {"expression": {"type": "string"}, "value": {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "kind": {"enum": ["row", "subtotal", "total"]}, "line": {"type": "integer"}}},
  "ThreadOpened": {"type": "object", "required": ["project_id", "thread_id", "title"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "thread_id": {"type": "string", "format": "uuid"}, "title": {"type": "string"}, "about_position": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "about_document": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}}},
  "TokenIssued": {"type": "object", "required": ["account_id", "token_id", "name", "sha256"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "token_id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}, "sha256": {"type": "string"}, "expires_at": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
  "TokenRevoked": {"type": "object", "required": ["account_id", "token_id"], "properties": {"account_id": {"type": "string", "format": "uuid"}, "token_id": {"type": "string", "format": "uuid"}}},
  "Unsubscribed": {"type": "object", "required": ["op", "feed"], "properties": {"op": {"enum": ["unsubscribed"]}, "feed": {"type": "string"}, "id": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}, "code": {"type": "string"}}},
  "Uploaded": {"type": "object", "required": ["project_id", "document_id", "filename", "content_hash", "size"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "filename": {"type": "string"}, "content_hash": {"type": "string"}, "size": {"type": "integer"}, "purpose": {"enum": ["budget", "comparison"]}}},
  "VariationApproved": {"type": "object", "required": ["project_id", "variation_id", "version", "cost_effect"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "cost_effect": {"type": "string", "format": "decimal"}}},
  "VariationDrafted": {"type": "object", "required": ["project_id", "variation_id", "number", "name", "reason", "proposal", "cost_effect"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}, "number": {"type": "integer"}, "name": {"type": "string"}, "reason": {"type": "string"}, "proposal": {"$ref": "Proposal"}, "cost_effect": {"type": "string", "format": "decimal"}}},
  "VariationRejected": {"type": "object", "required": ["project_id", "variation_id", "reason"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}, "reason": {"type": "string"}}},
  "VariationRevised": {"type": "object", "required": ["project_id", "variation_id", "revision", "name", "reason", "proposal", "cost_effect"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}, "revision": {"type": "integer"}, "name": {"type": "string"}, "reason": {"type": "string"}, "proposal": {"$ref": "Proposal"}, "cost_effect": {"type": "string", "format": "decimal"}}},
  "VariationSubmitted": {"type": "object", "required": ["project_id", "variation_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}, "submitted_by": {"type": "string"}}},
  "VariationWithdrawn": {"type": "object", "required": ["project_id", "variation_id"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "variation_id": {"type": "string", "format": "uuid"}}},
  "VerdictOverridden": {"type": "object", "required": ["project_id", "audit_id", "position_id", "verdict", "reason"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "audit_id": {"type": "string", "format": "uuid"}, "position_id": {"type": "string", "format": "uuid"}, "verdict": {"enum": ["AMBER", "GREEN", "NOT_CHECKED", "RED"]}, "reason": {"type": "string"}, "override": {"anyOf": [{"$ref": "Override"}, {"type": "null"}]}}},
  "VersionNamed": {"type": "object", "required": ["project_id", "version", "name"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "name": {"type": "string"}}},
  "Versioned": {"type": "object", "required": ["project_id", "version", "trigger", "total_positions", "total_cost", "delta_cost", "changes"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "version": {"type": "integer"}, "trigger": {"enum": ["chat_modification", "document_added", "initial", "recalculation", "restore", "user_edit", "variation"]}, "trigger_details": {"type": "object"}, "total_positions": {"type": "integer"}, "total_cost": {"type": "string", "format": "decimal"}, "delta_cost": {"type": "string", "format": "decimal"}, "currency": {"type": "string"}, "rounding": {"type": "integer"}, "summary": {"type": "string"}, "changes": {"$ref": "ChangeCounts"}}},
  "Wanted": {"type": "object", "required": ["project_id", "document_id", "content_hash", "priced_on"], "properties": {"project_id": {"type": "string", "format": "uuid"}, "document_id": {"type": "string", "format": "uuid"}, "content_hash": {"type": "string"}, "priced_on": {"type": "string", "format": "date"}, "source": {"type": "string"}}},
  "Welcome": {"type": "object", "required": ["op", "connection_id", "account_id", "server_time", "epoch", "heartbeat_interval", "heartbeat_timeout", "reconnect_jitter_max_ms", "limits"], "properties": {"op": {"enum": ["welcome"]}, "connection_id": {"type": "string", "format": "uuid"}, "account_id": {"type": "string", "format": "uuid"}, "server_time": {"type": "string", "format": "date-time"}, "epoch": {"type": "string", "format": "uuid"}, "heartbeat_interval": {"type": "number"}, "heartbeat_timeout": {"type": "number"}, "reconnect_jitter_max_ms": {"type": "integer"}, "limits": {"$ref": "Allowance"}, "expires_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}}},
};

