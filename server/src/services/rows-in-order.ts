import type { Core, UID } from '@strapi/strapi';

const ROWS_AT_ONCE = 500;

/** All rows that match `where`, by their ids, however many there are; what comes in meanwhile may be among them. */
export async function* rowsInOrder<Row extends { id: number }>(
  strapi: Core.Strapi,
  uid: UID.Schema,
  where: object,
  parse: (row: unknown) => Row,
): AsyncGenerator<Row> {
  for (let after = 0; ; ) {
    const page: unknown[] = await strapi.db.query(uid).findMany({
      where: { ...where, id: { $gt: after } },
      orderBy: { id: 'asc' },
      limit: ROWS_AT_ONCE,
    });
    for (const found of page) {
      const row = parse(found);
      after = row.id;
      yield row;
    }
    if (page.length < ROWS_AT_ONCE) return;
  }
}
