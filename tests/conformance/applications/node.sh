# node: files, workers, child processes, http, timers, compiled code. @shell bash
cat > t.js <<'END'
const fs = require("fs"), http = require("http"), os = require("os"), { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const { execFileSync, spawn } = require("child_process"), crypto = require("crypto");
if (!isMainThread) { let s = 0; for (let i = 0; i < workerData; i++) s = (s + i * i) % 1000003; parentPort.postMessage(s); return; }
function hot(n) { let a = 0; for (let i = 0; i < n; i++) a = (a * 31 + i) | 0; return a; }
(async () => {
  console.log(hot(20000000), crypto.createHash("sha256").update("x").digest("hex").slice(0, 8));
  fs.writeFileSync("f", "hello"); fs.mkdirSync("d/e", { recursive: true }); await fs.promises.copyFile("f", "d/e/g");
  console.log(fs.readdirSync(".").sort().join(), fs.readFileSync("d/e/g", "utf8"), fs.statSync("f").size);
  fs.rmSync("d", { recursive: true });
  console.log(await Promise.all([1e5, 2e5, 3e5].map((n) => new Promise((r) => new Worker(__filename, { workerData: n }).on("message", r)))));
  console.log(execFileSync("echo", ["from a child"]).toString().trim());
  const cat = spawn("cat"); let got = ""; cat.stdout.on("data", (d) => (got += d)); cat.stdin.end("through cat"); await new Promise((r) => cat.on("close", r)); console.log(got);
  const server = http.createServer((q, s) => s.end(q.url.repeat(1000))); await new Promise((r) => server.listen(0, "127.0.0.1", r));
  const get = (p) => new Promise((r) => http.get({ port: server.address().port, host: "127.0.0.1", path: p }, (s) => { let n = 0; s.on("data", (d) => (n += d.length)); s.on("end", () => r(n)); }));
  console.log(await Promise.all(["/a", "/bcd"].map(get))); server.close();
  const big = []; for (let i = 0; i < 200; i++) big.push(new Uint8Array(100000).fill(i)); console.log(big.reduce((a, b) => a + b[99999], 0));
  const signal = new Promise((r) => process.on("SIGUSR2", r)); process.kill(process.pid, "SIGUSR2"); console.log(await signal);
  setTimeout(() => { console.log("timer", process.argv[2], os.EOL.length); process.exit(3); }, 5);
})();
END
node t.js argument; echo "status $?"; node -e 'null.x' 2>&1 | grep -c TypeError; node -p '[1,2,3].map(x => x ** 2)'; rm t.js
