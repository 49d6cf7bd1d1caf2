/** A user's orders, the other side of `order.user`. */
const orders = { type: 'relation', relation: 'oneToMany', target: 'api::order.order', mappedBy: 'user' };

module.exports = (plugin) => {
  plugin.contentTypes.user.schema.attributes.orders = orders;
  return plugin;
};
