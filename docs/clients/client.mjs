// A client of `foretype serve` for Node, without dependencies. It talks to a server of its own over standard input.
//
// node client.mjs "I would lik"
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export class Client {
  #waiting = new Map();
  #last = 0;

  /** Start a server: `Client.start(["foretype", "serve"])`. It ends when the client closes. */
  static start([program, ...options]) {
    const server = spawn(program, options, { stdio: ["pipe", "pipe", "inherit"] });
    const client = new Client(server.stdout, server.stdin);
    server.on("error", (error) => client.#fail(error));
    return client;
  }

  /** Share the server that listens at a Unix socket. */
  static connect(path) {
    const socket = connect(path);
    const client = new Client(socket, socket);
    socket.on("error", (error) => client.#fail(error));
    return client;
  }

  constructor(input, output) {
    this.output = output;
    output.on("error", () => {});
    const lines = createInterface({ input });
    lines.on("line", (line) => this.#take(JSON.parse(line)));
    lines.on("close", () => this.#fail(new Error("the server ended")));
  }

  /** Send a request. `await client.call("suggest", {field, text})`; `signal` (an AbortSignal) cancels it. */
  call(method, params = {}, signal) {
    const id = ++this.#last;
    const result = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ id, method, params });
    signal?.addEventListener("abort", () => this.#send({ method: "cancel", params: { id } }), { once: true });
    return result;
  }

  close() {
    this.output.end();
  }

  #send(message) {
    this.output.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
  }

  #take({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else waiting?.resolve(result);
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [text, ...command] = process.argv.slice(2);
  const client = Client.start(command.length ? command : ["foretype", "serve"]);
  const { field } = await client.call("open", { offsets: "utf-16" }); // JavaScript counts UTF-16 code units
  const { suggestions } = await client.call("suggest", { field, text });
  for (const { text, probability } of suggestions) console.log(text, probability.toFixed(2));
  client.close();
}
