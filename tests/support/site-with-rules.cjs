// `src/index.js` of a site whose own code says who may watch. What its rules answer stands in `SITE_RULES_FILE`, by name.
const { readFileSync } = require('node:fs');
const { setTimeout: delay } = require('node:timers/promises');

const answerOf = (name) => JSON.parse(readFileSync(process.env.SITE_RULES_FILE, 'utf8'))[name];
const addRule = (strapi, name) =>
  strapi
    .plugin('protected-vod')
    .service('entitlement')
    .register({ name, decide: async () => answerOf(name) });

module.exports = {
  register: ({ strapi }) => addRule(strapi, 'early'),
  async bootstrap({ strapi }) {
    // Longer than Strapi needs for everything else that is left to do.
    await delay(1500);
    if (process.env.SITE_FAILS === 'true') throw new Error('The shop cannot be reached.');
    await addRule(strapi, 'late');
  },
};
