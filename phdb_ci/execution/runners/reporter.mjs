export default async function* record(source) {
  for await (const _event of source);
}
