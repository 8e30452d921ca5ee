/** The whole stack as `make run` starts it, on ports of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..");
const READY_WITHIN_MS = 90_000;

export class Stack {
  private constructor(
    readonly url: string,
    readonly token: string,
    private readonly secret: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), "hitl-e2e-"));
    const state = join(folder, "state.json");
    const env = { ...process.env, PORT: String(await twoFreePorts()), HITL_STATE_FILE: state };
    const child = spawn(join(ROOT, ".venv/bin/python"), ["-m", "local"], { cwd: ROOT, env, stdio: "pipe" });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    for (const until = Date.now() + READY_WITHIN_MS; !existsSync(state); await sleep(100)) {
      if (child.exitCode === null && Date.now() < until) continue;
      child.kill();
      throw new Error(`The stack did not start.\n${output}`);
    }
    const { url, api_token, app_secret } = JSON.parse(readFileSync(state, "utf8")) as Record<string, string>;
    return new Stack(url ?? "", api_token ?? "", app_secret ?? "", child, folder);
  }

  /** A token for the bot of a customer's Page; it is taken within half a minute. */
  async botToken(key: string): Promise<string> {
    const page = key.split(":").slice(0, 2).join(":");
    const env = { ...process.env, HITL_STATE_FILE: join(this.folder, "state.json") };
    const make = ["-m", "local.tokens", "make", "--name", "slow bot", "--page", page];
    const { stdout } = await promisify(execFile)(join(ROOT, ".venv/bin/python"), make, { cwd: ROOT, env });
    return /hitl_\S+/.exec(stdout)?.[0] ?? "";
  }

  /** Asks the API, or the simulator. */
  async ask(method: string, path: string, body?: unknown, token = this.token): Promise<unknown> {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.url + path, { method, headers, ...sent });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** What Meta would post of a message that a user wrote some time ago. */
  async wrote(key: string, text: string, agoMs: number): Promise<void> {
    const [, page = "", user = ""] = key.split(":");
    const timestamp = Date.now() - agoMs;
    const message = { mid: `m_${randomUUID()}`, text };
    const event = { sender: { id: user }, recipient: { id: page }, timestamp, message };
    const body = JSON.stringify({ object: "page", entry: [{ id: page, time: timestamp, messaging: [event] }] });
    const signature = createHmac("sha256", this.secret).update(body).digest("hex");
    const headers = { "Content-Type": "application/json", "X-Hub-Signature-256": `sha256=${signature}` };
    const response = await fetch(`${this.url}/api/webhook`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(`The webhook answered ${response.status}: ${await response.text()}`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A port that is free together with the one after it. */
async function twoFreePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const first = await free(0);
    if (first > 0 && first < 65_535 && (await free(first + 1)) > 0) return first;
  }
  throw new Error("There are no two free ports beside each other.");
}

function free(port: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(0));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
