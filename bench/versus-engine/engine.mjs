// Runs the engine (llama.cpp through node-llama-cpp) on a model and times it.
//
//   node engine.mjs MODEL THREADS
//
// A line {"pp": tokens, "tg": tokens, "repeats": N} on standard input is answered by a line
// {"pp_s": [seconds of each repeat], "tg_s": [seconds of each token]}. The model stays loaded
// between lines, so that measurements can be interleaved with others'.
import { createInterface } from "node:readline";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [path, threads] = [process.argv[2], Number(process.argv[3])];
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads,
    logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({ contextSize: 1024, batchSize: 512,
    threads: { ideal: threads, min: threads } });
const sequence = context.getSequence();

const now = () => Number(process.hrtime.bigint()) / 1e9;
// Some words of the vocabulary, always others, so that no prompt is known from before.
let seed = 7;
const token = () => 300 + (seed = (seed * 1103515245 + 12345) % 2147483648) % 16000;
const prompt = (n) => Array.from({ length: n }, token);

async function processPrompt(n) {
    await sequence.clearHistory();
    const tokens = prompt(n);
    const start = now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens);
    return now() - start;
}

// Seconds of each token from an empty cache on. The iterator computes logits and takes the likeliest
// token: evaluateWithoutGeneratingNewTokens would leave the vocabulary matrix out.
async function generate(n) {
    await sequence.clearHistory();
    const seconds = [];
    let last = now();
    for await (const _ of sequence.evaluate([token()], { temperature: 0, yieldEogToken: true })) {
        const time = now();
        seconds.push(time - last);
        last = time;
        if (seconds.length >= n)
            break;
    }
    return seconds;
}

await processPrompt(64);
await generate(4);
process.stdout.write(JSON.stringify({ ready: true, threads: context.currentThreads,
    flash_attention: String(context.flashAttention), system: llama.systemInfo }) + "\n");
for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    const answer = { pp_s: [], tg_s: [] };
    for (let i = 0; i < job.repeats; i++) {
        if (job.pp)
            answer.pp_s.push(await processPrompt(job.pp));
        if (job.tg)
            answer.tg_s.push(...(await generate(job.tg)).slice(1));
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
process.exit(0);
