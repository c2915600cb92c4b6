/** Names for the server's types. They are made from openapi.json (`npm run generate`), never written by hand. */
import type { components } from "../../generated/api";

type Schemas = components["schemas"];

export type ChannelStatus = Schemas["ChannelStatus"];
export type IngestStatus = Schemas["IngestStatus"];
export type DestinationStatus = Schemas["DestinationStatus"];
export type ClipStatus = Schemas["ClipStatus"];
export type LogLine = Schemas["LogLine"];
export type ChannelState = ChannelStatus["state"];
export type DestinationState = DestinationStatus["state"];
export type ArchiveState = Schemas["ArchiveStatus"]["state"];
export type Level = LogLine["level"];
export type SpanStatus = Schemas["SpanStatus"];
export type WaitingRestore = Schemas["WaitingRestore"];
export type CutStatus = Schemas["CutStatus"];
export type Present = Schemas["Present"];
export type Warn = Schemas["Warn"];

export type ServerMessage = Schemas["ServerMessage"];
export type Hello = Schemas["Hello"];
export type StateMessage = Schemas["StateMessage"];
export type CommandReply = Schemas["ReplyDone"] | Schemas["ReplyFailed"];
export type CommandRequest = Schemas["PageCommand"];
export type Active = Schemas["Active"];
export type Command = CommandRequest["cmd"];
export type PreviewMessage = Schemas["PreviewMessage"];
export type StripMessage = Schemas["StripMessage"];
export type StripStill = Schemas["StripStill"];
export type PreviewInit = Schemas["PreviewInit"];

export type Session = Schemas["SessionState"];
export type LastSignIn = Schemas["LastSignIn"];
export type Credentials = Schemas["SignInBody"];
export type OneTime = Schemas["OneTimeState"];
export type Rights = Omit<Schemas["SessionMessage"], "t">;
export type Right = Schemas["Right"];
export type Problem = Schemas["ProblemBody"];
export type Me = Schemas["Me"];
export type OwnSession = Schemas["OwnSession"];
export type OwnSignIn = Schemas["OwnSignIn"];
export type TotpSecret = Schemas["TotpSecret"];

/** The two pictures of a channel: what comes in now, what airs. */
export type Feed = "pvw" | "pgm";

export type ChannelSettings = Schemas["ChannelSettings"];
export type DestinationSettings = Schemas["DestinationSettings"];
export type BackupFile = Schemas["BackupFile"];
export type StreamKey = Schemas["StreamKey"];
export type RehearsedClip = Schemas["RehearsedClip"];
export type ShownSetting = Schemas["ShownSetting"];

export type Person = Schemas["PersonBody"];
export type RoleKind = Schemas["RoleBody"];
export type Role = RoleKind["role"];
export type OneTimeLink = Schemas["Link"];
export type SignInRow = Schemas["SignInRow"];
export type Token = Schemas["TokenRow"];
export type NewToken = Schemas["NewToken"];
export type Scope = NewToken["scopes"][number];

export type Incident = Schemas["Incident"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type WrittenUp = Schemas["WrittenUp"];

export type DutyStatus = Schemas["DutyStatus"];
export type OnDuty = Schemas["OnDuty"];
export type Shift = Schemas["ShiftShown"];
export type PracticeMark = Schemas["MarkShown"];
export type PracticeResult = Schemas["PracticeShown"];
export type Reaction = Schemas["ReactionShown"];

export type AuditRecord = Schemas["AuditRecord"];
export type AuditPage = Schemas["AuditPage"];
export type AuditProof = Schemas["AuditProof"];
