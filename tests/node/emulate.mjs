// A GitHub of somebody else's making, on a port of its own: writes its address, and ends with its standard input.
import { createEmulator } from "emulate";

const port = Number(process.env.PORT);
const emulator = await createEmulator({
  service: "github",
  port,
  baseUrl: `http://127.0.0.1:${port}`,
  seed: {
    tokens: {
      [process.env.TOKEN]: { login: "phdb-bot", scopes: ["repo"] },
      [process.env.STRANGER]: { login: "mallory", scopes: ["repo"] },
    },
    github: {
      users: [{ login: "phdb-bot" }, { login: "mallory" }],
      repos: [{ owner: "phdb-bot", name: "lis", auto_init: true }],
    },
  },
});
console.log(emulator.url);
process.stdin.on("end", async () => {
  await emulator.close();
  process.exit(0);
});
process.stdin.resume();
