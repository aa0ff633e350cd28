/**
 * The ledger: the one account of tokens and live bytes. Pure functions over an immutable value.
 *
 * Tokens. A token is the right to run one task: a vector of resources, all or nothing, returned
 * exactly once. A rate is a resource that refills by itself and is never returned.
 *
 * Bytes. A block's bytes are charged to its producer from the credit taken before it is made until
 * its last holder lets go: reserve -> produce -> release. Each open account has a floor, its part of
 * half the budget, that no other account can touch, so upstream output can never keep a downstream
 * operator from producing; the rest is shared, and so is the floor of an account that has closed. (Ray Data's reservation allocator has the same
 * halves: `ReservationOpResourceAllocator`, ratio 0.5.) A new task may not use the last half of its
 * account's floor while others of that account run: that part is kept for their outputs.
 */
import { fromMilli, type Amounts } from '../amounts.ts';
import type { Denial } from '../denial.ts';

/** A resource's limit, in thousandths: an amount, or an amount a second with a burst. */
export type ResourceLimit =
  { readonly amount: number } | { readonly perSecond: number; readonly burst: number };

export interface LedgerBudget {
  readonly resources: Readonly<Record<string, ResourceLimit>>;
  /** What the live blocks of the run may weigh together. */
  readonly blockBytes: number;
}

interface AmountLine {
  readonly kind: 'amount';
  readonly total: number;
  readonly used: number;
}

interface RateLine {
  readonly kind: 'rate';
  readonly perSecond: number;
  readonly burst: number;
  /** What could be taken at time `at`. */
  readonly level: number;
  readonly at: number;
}

export type ResourceLine = AmountLine | RateLine;

/** The bytes charged to one holder. */
export interface Account {
  /** Credits that are granted and not yet spent. */
  readonly reserved: number;
  /** Blocks that are produced and not yet released. */
  readonly live: number;
  /** Tokens out. */
  readonly tokens: number;
  /** Whether the holder may still ask, and so keeps its floor. */
  readonly open: boolean;
}

export interface TokenLine {
  readonly holder: number;
  readonly needs: Amounts;
}

export interface Ledger {
  readonly resources: Readonly<Record<string, ResourceLine>>;
  readonly tokens: ReadonlyMap<number, TokenLine>;
  readonly nextToken: number;
  readonly blockBytes: number;
  readonly accounts: readonly Account[];
}

/** The bytes and blocks a task may still produce. */
export interface Credit {
  readonly blocks: number;
  readonly bytes: number;
}

export const noCredit: Credit = { blocks: 0, bytes: 0 };

/** Asks for the right to run one task, or for the right of a running task to produce more. */
export interface Request {
  /** Who asks: the number of an account. */
  readonly holder: number;
  /** The vector a new task needs; missing when a running task asks for credit alone. */
  readonly needs?: Amounts | undefined;
  /** The running task the credit is for. */
  readonly slot?: number | undefined;
  /** Bytes without which the grant would be of no use. */
  readonly firstBytes: number;
  /** Bytes of each further block. */
  readonly blockBytes: number;
  /** Blocks asked for; fewer may be granted. */
  readonly blocks: number;
  /** What the holder wants to do with the grant: handed back with it. */
  readonly inputs?: number | undefined;
  /** Bytes that must stay free after the grant, for somebody the holder prefers. */
  readonly keepBytes?: number | undefined;
  /** Grants it even over budget. Only the liveness rule may say so; a rate is never overdrawn. */
  readonly forced?: boolean | undefined;
}

export interface Grant {
  readonly holder: number;
  readonly token: number | undefined;
  readonly slot: number | undefined;
  readonly credit: Credit;
  readonly inputs: number | undefined;
  readonly forced: boolean;
}

export interface Refusal {
  readonly holder: number;
  readonly slot: number | undefined;
  readonly denial: Denial;
}

export interface Decision {
  readonly grants: readonly Grant[];
  readonly refusals: readonly Refusal[];
  /** When a refused rate will have refilled, on the run's clock, in milliseconds. */
  readonly refillAt: number | undefined;
  /** Bytes of live blocks, as far as they are booked. */
  readonly liveBytes: number;
}

/** What has happened to one holder's tokens and bytes since the last settlement. */
export interface Settlement {
  readonly holder: number;
  /** Tokens whose task is over. */
  readonly tokens: readonly number[];
  /** Bytes of blocks made on credit. */
  readonly produced: number;
  /** Bytes of credit that will not be spent. */
  readonly returned: number;
  /** Bytes of blocks whose last holder let go. */
  readonly released: number;
  /** The holder will not ask again. */
  readonly closed: boolean;
}

/** A ledger with nothing granted. */
export function openLedger(budget: LedgerBudget, holders: number, now: number): Ledger {
  const account: Account = { reserved: 0, live: 0, tokens: 0, open: true };
  return {
    resources: openResources(budget, {}, new Map(), now),
    tokens: new Map(),
    nextToken: 0,
    blockBytes: budget.blockBytes,
    accounts: Array.from({ length: holders }, () => account),
  };
}

/** The ledger under another budget. What is out stays out: nothing is granted until it fits again. */
export function changeBudget(ledger: Ledger, budget: LedgerBudget, now: number): Ledger {
  return {
    ...ledger,
    resources: openResources(budget, refill(ledger.resources, now), ledger.tokens, now),
    blockBytes: budget.blockBytes,
  };
}

/** Books what has happened. A token that is not out is refused by throwing: it would be freed twice. */
export function settle(ledger: Ledger, settlements: readonly Settlement[]): Ledger {
  const resources = { ...ledger.resources };
  const isOver = settlements.some(({ tokens }) => tokens.length > 0);
  const tokens = isOver ? new Map(ledger.tokens) : undefined;
  const accounts = [...ledger.accounts];
  for (const settlement of settlements) {
    const account = accounts[settlement.holder];
    if (account === undefined) throw new Error(`no account ${String(settlement.holder)}`);
    for (const token of settlement.tokens) {
      const line = tokens?.get(token);
      if (line?.holder !== settlement.holder) {
        throw new Error(`token ${String(token)} is not out to ${String(settlement.holder)}`);
      }
      tokens?.delete(token);
      for (const [name, amount] of Object.entries(line.needs)) give(resources, name, amount);
    }
    const { produced, returned, released } = settlement;
    accounts[settlement.holder] = {
      reserved: account.reserved - produced - returned,
      live: account.live + produced - released,
      tokens: account.tokens - settlement.tokens.length,
      open: account.open && !settlement.closed,
    };
  }
  return { ...ledger, resources, tokens: tokens ?? ledger.tokens, accounts };
}

/** Grants or refuses requests in their order. After a refusal the holder's later requests are skipped. */
export function decide(
  ledger: Ledger,
  requests: readonly Request[],
  now: number,
): [Ledger, Decision] {
  const resources = refill(ledger.resources, now);
  /** Copied when the first is granted: it may hold many. */
  let tokens: Map<number, TokenLine> | undefined;
  const accounts = [...ledger.accounts];
  const draft = { ...ledger, resources, accounts };
  const grants: Grant[] = [];
  const refusals: Refusal[] = [];
  const refused = new Set<number>();
  let nextToken = ledger.nextToken;
  let refillAt: number | undefined;

  for (const request of requests) {
    const { holder, needs, slot, inputs, forced = false } = request;
    if (refused.has(holder)) continue;
    const account = accounts[holder];
    if (account === undefined) throw new Error(`no account ${String(holder)}`);
    const short = needs === undefined ? undefined : shortage(resources, needs, forced);
    const credit = short === undefined ? creditFor(draft, request) : undefined;
    if (credit === undefined) {
      refused.add(holder);
      const wait = short === undefined ? undefined : refillTime(resources, short, now);
      if (wait !== undefined) refillAt = Math.min(refillAt ?? Infinity, wait);
      const bytes = available(draft, holder, needs !== undefined) - (request.keepBytes ?? 0);
      const free = short?.free ?? Math.max(0, bytes);
      refusals.push({
        holder,
        slot,
        denial: {
          limit: short?.limit ?? 'blockBytes',
          asked: short?.asked ?? request.firstBytes,
          free,
          since: now,
        },
      });
      continue;
    }
    let token: number | undefined;
    if (needs !== undefined) {
      token = nextToken++;
      tokens ??= new Map(ledger.tokens);
      tokens.set(token, { holder, needs });
      for (const [name, amount] of Object.entries(needs)) take(resources, name, amount);
    }
    accounts[holder] = {
      ...account,
      reserved: account.reserved + credit.bytes,
      tokens: account.tokens + (needs === undefined ? 0 : 1),
    };
    grants.push({ holder, token, slot, credit, inputs, forced });
  }
  return [
    { ...draft, tokens: tokens ?? ledger.tokens, nextToken },
    { grants, refusals, refillAt, liveBytes: liveBytes(draft) },
  ];
}

/** Bytes of live blocks, over all accounts. */
export function liveBytes(ledger: Ledger): number {
  return ledger.accounts.reduce((sum, account) => sum + account.live, 0);
}

/** Bytes reserved or live, over all accounts. */
export function usedBytes(ledger: Ledger): number {
  return ledger.accounts.reduce((sum, account) => sum + account.reserved + account.live, 0);
}

/** Whether nothing is out: no token, no credit, no live byte. */
export function isSettled(ledger: Ledger): boolean {
  return ledger.tokens.size === 0 && usedBytes(ledger) === 0;
}

/** The bytes that are kept for each open account when `accounts` share `blockBytes`. */
export function floorBytes(blockBytes: number, accounts: number): number {
  return accounts === 0 ? 0 : Math.floor(blockBytes / (2 * accounts));
}

/** Blocks are at most this large, unless an operator says otherwise. */
const MAX_TARGET_BYTES = 8 * 1024 * 1024;
/** Each account's floor holds so many blocks of the target size. */
const BLOCKS_PER_FLOOR = 4;

/** The size blocks should have at most, so that `accounts` of them share `blockBytes` well. */
export function targetBlockBytes(blockBytes: number, accounts: number): number {
  const floor = floorBytes(blockBytes, accounts);
  return Math.max(1, Math.min(MAX_TARGET_BYTES, Math.floor(floor / BLOCKS_PER_FLOOR)));
}

function available(ledger: Ledger, holder: number, forNewTask: boolean): number {
  const floor = floorBytes(ledger.blockBytes, ledger.accounts.length);
  let shared = ledger.blockBytes;
  let own = 0;
  let kept = 0;
  ledger.accounts.forEach((account, index) => {
    const used = account.reserved + account.live;
    const accountFloor = account.open ? floor : 0;
    shared -= Math.max(used, accountFloor);
    if (index !== holder) return;
    own = Math.max(0, accountFloor - used);
    if (forNewTask && account.tokens > 0) kept = Math.floor(accountFloor / 2);
  });
  return own + Math.max(0, shared) - kept;
}

function creditFor(ledger: Ledger, request: Request): Credit | undefined {
  const { firstBytes, blockBytes, blocks, forced } = request;
  if (forced === true) return { blocks: Math.min(1, blocks), bytes: firstBytes };
  const free =
    available(ledger, request.holder, request.needs !== undefined) - (request.keepBytes ?? 0);
  if (firstBytes > free) return undefined;
  if (blocks <= 1) return { blocks, bytes: firstBytes };
  const further =
    blockBytes === 0
      ? blocks - 1
      : Math.min(blocks - 1, Math.floor((free - firstBytes) / blockBytes));
  return { blocks: 1 + further, bytes: firstBytes + further * blockBytes };
}

/** The first resource that has too little of what is needed. */
function shortage(
  resources: Readonly<Record<string, ResourceLine>>,
  needs: Amounts,
  forced: boolean,
): { limit: string; asked: number; free: number } | undefined {
  for (const [name, amount] of Object.entries(needs)) {
    if (amount === 0) continue;
    const line = resources[name];
    if (line === undefined) throw new Error(`no resource ${name}`);
    if (line.kind === 'amount' && forced) continue;
    const free = line.kind === 'amount' ? line.total - line.used : line.level;
    if (amount > free) {
      return { limit: name, asked: fromMilli(amount), free: fromMilli(Math.max(0, free)) };
    }
  }
  return undefined;
}

function refillTime(
  resources: Readonly<Record<string, ResourceLine>>,
  short: { limit: string; asked: number },
  now: number,
): number | undefined {
  const line = resources[short.limit];
  if (line?.kind !== 'rate') return undefined;
  const missing = Math.round(short.asked * 1000) - line.level;
  return now + Math.ceil((missing * 1000) / line.perSecond);
}

function refill(
  resources: Readonly<Record<string, ResourceLine>>,
  now: number,
): Record<string, ResourceLine> {
  const refilled: Record<string, ResourceLine> = { ...resources };
  for (const [name, line] of Object.entries(refilled)) {
    if (line.kind !== 'rate') continue;
    const gained = Math.floor(((now - line.at) * line.perSecond) / 1000);
    if (gained <= 0) continue;
    const level = Math.min(line.burst, line.level + gained);
    // The time that made no whole thousandth yet is not lost: it counts from `at`.
    const at = level === line.burst ? now : line.at + (gained * 1000) / line.perSecond;
    refilled[name] = { ...line, level, at };
  }
  return refilled;
}

function take(resources: Record<string, ResourceLine>, name: string, amount: number): void {
  const line = resources[name];
  if (line === undefined) return;
  resources[name] =
    line.kind === 'amount'
      ? { ...line, used: line.used + amount }
      : { ...line, level: line.level - amount };
}

function give(resources: Record<string, ResourceLine>, name: string, amount: number): void {
  const line = resources[name];
  if (line?.kind === 'amount') resources[name] = { ...line, used: line.used - amount };
}

function openResources(
  budget: LedgerBudget,
  before: Readonly<Record<string, ResourceLine>>,
  tokens: ReadonlyMap<number, TokenLine>,
  now: number,
): Record<string, ResourceLine> {
  return Object.fromEntries(
    Object.entries(budget.resources).map(([name, limit]): [string, ResourceLine] => {
      if ('amount' in limit) {
        // Counted anew: a resource may have been a rate, or nothing, when its tokens were granted.
        let used = 0;
        for (const { needs } of tokens.values()) used += needs[name] ?? 0;
        return [name, { kind: 'amount', total: limit.amount, used }];
      }
      const { perSecond, burst } = limit;
      const line = before[name];
      const level = line?.kind === 'rate' ? Math.min(line.level, burst) : burst;
      const at = line?.kind === 'rate' ? line.at : now;
      return [name, { kind: 'rate', perSecond, burst, level, at }];
    }),
  );
}
