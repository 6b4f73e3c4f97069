import type { HubStore } from '../../../../shared/store/hub-store.ts'

/** Makes a stored journey one that this version cannot read, as a newer one, or somebody by hand, may have written it. */
export async function spoil(store: HubStore, key: string): Promise<void> {
  const found = await store.reader.findConversation({ kind: 'journey', key })
  if (!found) throw new Error(`There is no journey ${key}.`)
  const to = { ...found, version: found.version + 1, state: JSON.stringify({ id: key }) }
  await store.write((tx) => tx.saveConversations([{ to, readVersion: found.version, history: [] }]))
}
