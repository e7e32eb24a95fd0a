// What a merchant's own system does with the official Medusa client, unmodified: sign in three ways,
// keep customers and groups. Ends with 0 when every answer is what Medusa's would be.

import assert from "node:assert/strict"
import net from "node:net"

import Medusa from "@medusajs/medusa-js"

const { BASE_URL, API_TOKEN, ADMIN_EMAIL, ADMIN_PASSWORD } = process.env

/** What a refused call was answered with. */
async function refusal(call) {
  await assert.rejects(call)
  const error = await call.catch((error) => error)
  assert.ok(error.response, String(error))
  return { status: error.response.status, ...error.response.data }
}

const steps = []
const step = (name, run) => steps.push([name, run])

step("nobody gets in without a proof", async () => {
  const nobody = new Medusa({ baseUrl: BASE_URL, maxRetries: 0 })
  assert.equal((await refusal(nobody.admin.customers.list())).status, 401)
  const wrong = { email: ADMIN_EMAIL, password: "not it" }
  assert.equal((await refusal(nobody.admin.auth.createSession(wrong))).status, 401)
  assert.equal((await refusal(nobody.admin.auth.getToken(wrong))).status, 401)
})

step("a session is opened, used and closed", async () => {
  // As behind a proxy that speaks https, which is where Medusa gives a cookie.
  const customHeaders = { "X-Forwarded-Proto": "https" }
  const medusa = new Medusa({ baseUrl: BASE_URL, maxRetries: 3, customHeaders })
  const login = { email: ADMIN_EMAIL, password: ADMIN_PASSWORD }
  const { user, response } = await medusa.admin.auth.createSession(login)
  assert.equal(user.email, ADMIN_EMAIL)
  assert.match(user.id, /^usr_/)
  assert.equal(user.password_hash, undefined)
  // Under Node the client keeps no cookies.
  const Cookie = response.headers["set-cookie"][0].split(";")[0]
  assert.equal((await medusa.admin.auth.getSession({ Cookie })).user.id, user.id)
  assert.ok((await medusa.admin.customers.list({}, { Cookie })).customers)
  await medusa.admin.auth.deleteSession({ Cookie })
  assert.equal((await refusal(medusa.admin.auth.getSession({ Cookie }))).status, 401)
})

const medusa = new Medusa({ baseUrl: BASE_URL, maxRetries: 3, apiKey: API_TOKEN })
const { customers, customerGroups } = medusa.admin
const known = {}

/** On a busy machine a list may be behind for a while, or given up, and says so. */
async function caughtUp() {
  const deadline = Date.now() + 40_000
  for (;;) {
    const { response } = await customers.list({ limit: 1 }).catch((error) => error)
    assert.ok([200, 503].includes(response?.status), String(response?.status))
    if (response.status === 200 && response.headers["ledger-behind"] === undefined) return
    assert.ok(Date.now() < deadline, "lists stay behind")
  }
}

step("customers are created, read and changed", async () => {
  const body = { email: "Lea@Example.com", first_name: "Lea", last_name: "Doe", password: "pw" }
  const { customer } = await customers.create({ ...body, metadata: { vip: true } })
  assert.equal(customer.email, "lea@example.com")
  assert.equal(customer.has_account, true)
  known.lea = customer
  known.guest = (await customers.create({ ...body, email: "g@example.com", password: "" })).customer
  const changed = await customers.update(known.lea.id, { last_name: "Day", metadata: { age: 3 } })
  assert.equal(changed.customer.last_name, "Day")
  assert.deepEqual(changed.customer.metadata, { age: 3, vip: true })
  const read = await customers.retrieve(known.lea.id)
  assert.deepEqual(read.customer, changed.customer)
  assert.deepEqual(read.customer.orders, [])
})

step("what is refused is told as Medusa tells it", async () => {
  assert.deepEqual(await refusal(customers.retrieve("cus_nope")), {
    status: 404, type: "not_found", message: "Customer with id: cus_nope was not found",
  })
  assert.deepEqual(await refusal(customers.update(known.lea.id, { email: "nobody" })), {
    status: 400, type: "invalid_data", message: "email must be an email",
  })
  const again = { email: "lea@example.com", first_name: "a", last_name: "b", password: "pw" }
  const { status, type } = await refusal(customers.create(again))
  assert.deepEqual([status, type], [422, "duplicate_error"])
})

step("groups are created, filled, listed and emptied", async () => {
  const { customer_group: vip } = await customerGroups.create({ name: "vip", metadata: { a: 1 } })
  const { customer_group: other } = await customerGroups.create({ name: "other" })
  const customer_ids = [{ id: known.lea.id }, { id: known.guest.id }]
  await customerGroups.addCustomers(vip.id, { customer_ids })
  await caughtUp()
  const members = await customerGroups.listCustomers(vip.id, { expand: "groups" })
  assert.equal(members.count, 2)
  assert.ok(members.customers.every(({ groups }) => groups[0].id === vip.id))
  await customerGroups.removeCustomers(vip.id, { customer_ids: [{ id: known.guest.id }] })
  await caughtUp()
  assert.equal((await customerGroups.listCustomers(vip.id)).count, 1)
  const renamed = await customerGroups.update(vip.id, { name: "vips", metadata: { b: 2 } })
  assert.deepEqual(renamed.customer_group.metadata, { a: 1, b: 2 })
  await caughtUp()
  const all = await customerGroups.list({ q: "vip", expand: "customers" })
  assert.deepEqual(all.customer_groups.map(({ id }) => id), [vip.id])
  assert.equal(all.customer_groups[0].customers[0].id, known.lea.id)
  const one = await customerGroups.retrieve(vip.id, { expand: "customers" })
  assert.equal(one.customer_group.customers.length, 1)
  const gone = await customerGroups.delete(other.id)
  assert.deepEqual([gone.id, gone.object, gone.deleted], [other.id, "customer_group", true])
  assert.equal((await refusal(customerGroups.retrieve(other.id))).status, 404)
  known.vip = vip
})

step("customers are searched and filtered as the client writes queries", async () => {
  await caughtUp()
  const ids = async (query) => {
    const { customers: found, count } = await customers.list(query)
    assert.equal(found.length, count)
    return found.map(({ id }) => id).sort()
  }
  assert.deepEqual(await ids({ q: "lea@" }), [known.lea.id])
  assert.deepEqual(await ids({ has_account: false }), [known.guest.id])
  assert.deepEqual(await ids({ groups: [known.vip.id] }), [known.lea.id])
  const since = { created_at: { gte: new Date(Date.parse(known.guest.created_at)).toISOString() } }
  assert.ok((await ids(since)).includes(known.guest.id))
  assert.deepEqual(await ids({ created_at: { lt: "2020-01-01" } }), [])
  const page = await customers.list({ limit: 1, offset: 1, order: "-email", expand: "groups" })
  assert.deepEqual([page.limit, page.offset, page.count], [1, 1, 2])
  assert.equal(page.customers[0].id, known.guest.id)
})

/** A server in front of the ledger that keeps the first answer to itself and hangs up. */
function losingTheFirstAnswer() {
  const { hostname, port } = new URL(BASE_URL)
  let lost = 0
  const server = net.createServer((caller) => {
    const ledger = net.connect(Number(port), hostname)
    caller.pipe(ledger)
    ledger.once("data", (answer) => {
      if (lost++ === 0) return caller.destroy()
      caller.write(answer)
      ledger.pipe(caller)
    })
    for (const [socket, peer] of [[caller, ledger], [ledger, caller]]) {
      socket.on("error", () => peer.destroy())
      socket.on("close", () => peer.destroy())
    }
  })
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)))
}

step("a lost answer is asked for again, and the customer is there once", async () => {
  const server = await losingTheFirstAnswer()
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  const patient = new Medusa({ baseUrl, maxRetries: 3, apiKey: API_TOKEN })
  const body = { email: "once@example.com", first_name: "O", last_name: "Nce", password: "pw" }
  const { customer } = await patient.admin.customers.create(body)
  assert.equal((await customers.retrieve(customer.id)).customer.email, body.email)
  await caughtUp()
  assert.equal((await customers.list({ q: "once@" })).count, 1)
  server.close()
})

step("a token is a proof of its own, and a stale one does no harm beside the api token", async () => {
  const bearer = new Medusa({ baseUrl: BASE_URL, maxRetries: 0 })
  const login = { email: ADMIN_EMAIL, password: ADMIN_PASSWORD }
  const { access_token } = await bearer.admin.auth.getToken(login)
  // Under Node the client does not keep it.
  const Authorization = `Bearer ${access_token}`
  const { customer } = await bearer.admin.customers.retrieve(known.lea.id, { Authorization })
  assert.equal(customer.id, known.lea.id)
  assert.equal((await bearer.admin.auth.getSession({ Authorization })).user.email, ADMIN_EMAIL)
  const stale = { Authorization: "Bearer stale" }
  assert.equal((await refusal(bearer.admin.customers.list({}, stale))).status, 401)
  assert.ok((await medusa.admin.customers.list({}, stale)).customers)
})

for (const [name, run] of steps) {
  await run().catch((error) => {
    const { method, url } = error.config ?? {}
    console.error(`not ok: ${name}: ${method} ${url}: ${error.stack}`)
    process.exit(1)
  })
  console.log(`ok: ${name}`)
}
