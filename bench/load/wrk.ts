// Load by wrk: one process a load that lives as long as the benchmark, stopped and woken by signals. It counts its requests
// in a file of shared memory, so that a slice of it can be counted from outside.
import { once } from 'node:events';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { loadCore, startOn } from '../processes.ts';
import { makeScratch, removeScratch } from '../scratch.ts';
import type { Load, LoadPlan } from './plan.ts';

const script = `
local ffi = require 'ffi'
ffi.cdef[[
int open(const char *path, int flags);
void *mmap(void *at, size_t length, int protection, int flags, int descriptor, long offset);
]]
local requests, count = {}, nil

local function hex(digits)
  local text = ''
  while #text < digits do text = text .. string.format('%04x', math.random(0, 65535)) end
  return string.sub(text, 1, digits)
end

function init(arguments)
  local file = ffi.C.open(arguments[1] .. '/count', 2)
  count = ffi.cast('double *', ffi.C.mmap(nil, 8, 3, 1, file, 0))
  math.randomseed(tonumber(arguments[2]))
  for line in io.lines(arguments[1] .. '/headers') do
    local name, value = line:match('^([^:]+): (.*)$')
    wrk.headers[name] = value
  end
  for line in io.lines(arguments[1] .. '/targets') do requests[#requests + 1] = wrk.format('GET', line) end
  if arguments[3] == 'creates' then
    function request()
      count[0] = count[0] + 1
      local id = hex(8) .. '-' .. hex(4) .. '-4' .. hex(3) .. '-8' .. hex(3) .. '-' .. hex(12)
      return wrk.format('POST', '/peers', nil, '{"peerId":"' .. id .. '"}')
    end
  elseif #requests == 1 then
    local only = requests[1]
    function request()
      count[0] = count[0] + 1
      return only
    end
  end
end

function request()
  count[0] = count[0] + 1
  return requests[math.random(#requests)]
end
`;

let seed = 1;

export async function startWrk(plan: LoadPlan): Promise<Load> {
  const folder = makeScratch('wrk', 'memory');
  const file = (name: string) => join(folder, name);
  writeFileSync(file('count'), Buffer.alloc(8));
  writeFileSync(file('targets'), plan.targets.map((target) => `${target}\n`).join(''));
  const headers = { ...plan.headers, ...(plan.creates && { 'Content-Type': 'application/json' }) };
  writeFileSync(
    file('headers'),
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  );
  writeFileSync(file('load.lua'), script);
  const command = [
    'wrk',
    '-t1',
    `-c${plan.connections}`,
    '-d1000000',
    '--timeout',
    '60',
    '-s',
    file('load.lua'),
    `http://127.0.0.1:${plan.port}`,
  ];
  const words = ['--', folder, String(seed++), plan.creates ? 'creates' : 'reads'];
  const child = startOn(loadCore, [...(plan.prefix ?? []), ...command, ...words]);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (piece) => (said += piece));
  const descriptor = openSync(file('count'), 'r');
  const counted = Buffer.alloc(8);
  const readCount = () => {
    readSync(descriptor, counted, 0, 8, 0);
    return counted.readDoubleLE();
  };
  // It is there when it has asked for the first time.
  for (let wait = 0; readCount() <= plan.connections; wait++) {
    if (child.exitCode !== null || wait > 5_000) throw new Error(`wrk does not load: ${said}`);
    await setTimeout(2);
  }
  child.kill('SIGSTOP');
  await setTimeout(settleMs);
  return {
    async slice(ms) {
      const before = readCount();
      child.kill('SIGCONT');
      await setTimeout(ms);
      child.kill('SIGSTOP');
      // Until the server has answered what was sent.
      await setTimeout(settleMs);
      return readCount() - before;
    },
    async stop() {
      let gone = false;
      const ended = once(child, 'close').then(() => {
        gone = true;
      });
      child.kill('SIGCONT');
      // Any of its threads may take the signal; the second one reaches the thread that sleeps until the end.
      while (!gone) {
        child.kill('SIGINT');
        await Promise.race([ended, setTimeout(100)]);
      }
      closeSync(descriptor);
      removeScratch(folder);
      return badAnswers(said);
    },
  };
}

const settleMs = 5;

/** What wrk's summary complains about; connections that the server cut while the load was stopped were opened again. */
function badAnswers(summary: string): number {
  const notGood = /Non-2xx or 3xx responses: ([0-9]+)/.exec(summary);
  return Number(notGood?.[1] ?? 0);
}
