/** What the site's `config.json` says; read once at the start. */
import * as v from "valibot";

const Shape = v.object({
  /** Where the API is, without a slash at its end. */
  api: v.pipe(v.string(), v.minLength(1)),
  issuer: v.pipe(v.string(), v.url()),
  client_id: v.pipe(v.string(), v.minLength(1)),
  scope: v.string(),
  /** Which of the provider's tokens the API takes. */
  token: v.picklist(["access_token", "id_token"]),
});

export type Config = v.InferOutput<typeof Shape>;

export async function readConfig(fetch: typeof globalThis.fetch = globalThis.fetch): Promise<Config> {
  const answer = await fetch("config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return v.parse(Shape, await answer.json());
}
