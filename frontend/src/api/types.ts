/** The API's shapes under the project's words. Generated from docs/openapi.json; see `npm run types`. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Conversation = Schemas["Conversation"];
export type Message = Schemas["Message"];
export type Attachment = Schemas["Attachment"];
export type Listing = Schemas["Listing"];
export type History = Schemas["History"];
export type Actor = Schemas["Actor"];
export type Author = Schemas["Author"];
export type Failure = Schemas["Failure"];
export type Stop = Schemas["Stop"];
export type Window = Schemas["Window"];
export type Pages = Schemas["Pages"];
export type Problem = Schemas["Error"];
export type Status = "all" | "active" | "paused" | "waiting";
