/** A guarantee, broken on purpose: in this file of the compiled program, each text is replaced where it stands for the first time. */
export type Mutation = {
  readonly name: string
  readonly file: string
  readonly edits: readonly (readonly [search: string, replace: string])[]
}

const one = (name: string, file: string, search: string, replace: string): Mutation => ({
  name,
  file,
  edits: [[search, replace]],
})

export const mutations: readonly Mutation[] = [
  one('the inbox is skipped', 'shared/store/sqlite-transaction.js', 'atMs).changes > 0', 'atMs).changes >= 0'),
  one('acked before what follows is confirmed', 'shared/bus/bus.js', 'await Promise.all(this.confirms);', ''),
  one(
    'an outbox row is removed before its confirm',
    'shared/store/outbox-relay.js',
    'await this.#publish(row);',
    'this.#publish(row).catch(() => undefined);',
  ),
  one(
    'a timer fires whenever it is due',
    'shared/store/sqlite-conversation-transaction.js',
    'where due <= ? order',
    'where due - 100000000 <= ? order',
  ),
  one('a retry does not wait', 'shared/bus/failure.js', 'delayRoute(verdict.delayMs, queue)', 'delayRoute(0, queue)'),
  one(
    'a retry is not counted',
    'shared/bus/failure.js',
    "'x-ebs-attempt': meta.attempt + 1",
    "'x-ebs-attempt': meta.attempt",
  ),
  one(
    'rules are forgotten on restart',
    'shared/bus/rule-book.js',
    'const news = this.#records.take(rule, nowMs);',
    'const news = nowMs - rule.revision > 1_000 ? undefined : this.#records.take(rule, nowMs);',
  ),
  one(
    'a rule is confirmed while work is under way',
    'shared/bus/rule-confirmations.js',
    'settled: Promise.all(settled)',
    'settled: Promise.resolve()',
  ),
  one(
    'parked without a confirm',
    'shared/bus/consumer.js',
    'await this.#park(visit, event, ruling.rule);',
    'this.#park(visit, event, ruling.rule).catch(() => undefined);',
  ),
  one(
    'dead without saying so',
    'shared/bus/failure.js',
    'return [dead, { ...derived, properties: { ...derived.properties, messageId: held } }]',
    'return [dead]',
  ),
  one('said to be dead, and not kept', 'shared/bus/failure.js', 'return [dead, { ...derived,', 'return [{ ...derived,'),
  {
    name: 'an effect is not looked up by its key',
    file: 'services/processor/shop/effects.js',
    edits: [
      ['const before = tx.get(found, FIND, idempotencyKey);', 'const before = undefined;'],
      ["'insert into effect_rows", "'insert or ignore into effect_rows"],
    ],
  },
  one(
    'an effect is noted outside of its transaction',
    'services/processor/shop/effects.js',
    'tx.run(INSERT, idempotencyKey, activity, sagaId, this.#clock.now(), cents, JSON.stringify(effect.output));',
    `const row = [idempotencyKey, activity, sagaId, this.#clock.now(), cents, JSON.stringify(effect.output)];
     void this.#store.write((later) => later.run(INSERT.replace('insert', 'insert or ignore'), ...row));`,
  ),
  one(
    'the ledger forgets what is parked',
    'services/statistics/ledger/accounts.js',
    '#add(account, count) {',
    "#add(account, count) { if (account.state === 'parked' && count > 0) return;",
  ),
  one(
    'early events are dropped',
    'shared/flow/turn.js',
    'this.#early.push({ ...open.id, event: toText(event), atMs: this.#nowMs });',
    '{}',
  ),
  one(
    'nobody sweeps',
    'services/hub/upkeep.js',
    'while (!isStopped() && (await store.write((tx) => kernel.sweep(tx))))',
    'while (false)',
  ),
  one('an idempotency key is not looked at', 'services/datagen/making.js', 'if (key === undefined)', 'if (true)'),
  one(
    'what follows from a message has a new id each time',
    'shared/bus/ids.js',
    'const digest = hash(',
    'return newId(Date.now()); const digest = hash(',
  ),
]
