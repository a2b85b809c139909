// A client of `foretype serve --http` for the background page of a browser extension; also runs in Node 22 and Deno.
//
// const client = await Client.connect(port, token);
// const { field } = await client.call("open", { offsets: "utf-16" });
// const { suggestions } = await client.call("suggest", { field, text: "I would lik" });

export class Client {
  #waiting = new Map();
  #last = 0;

  /** Connect to the server. token: the content of the file that `foretype serve --http` names when it starts. */
  static connect(port, token) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["foretype.1", `token.${token.trim()}`]);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(new Client(socket)), { once: true });
      const refused = "no server at this port, or it refused the token or the origin";
      socket.addEventListener("error", () => reject(new Error(refused)), { once: true });
    });
  }

  constructor(socket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener("close", () => this.#fail(new Error("the server ended")));
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
    this.socket.close();
  }

  #send(message) {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
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
