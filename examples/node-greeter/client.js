// The client of the greeter: calls all four kinds of methods over TLS and prints a line for each.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { keyOfEnvironment, signedCalls } from "./sign.js";

/** Where Function Compute and Sluice serve gRPC. */
const DEFAULT_PORT = 8089;

/** Leaves room for a cold start. */
const CALL_TIMEOUT_MS = 30_000;

/** Holds every feature that the greeter knows. */
const AREA = {
  lo: { latitude: 520000000, longitude: 46000000 },
  hi: { latitude: 530000000, longitude: 48000000 },
};

/** A walk over three points; the first and the last are features. */
const ROUTE = [
  { latitude: 523871200, longitude: 46425300 },
  { latitude: 524000000, longitude: 46700000 },
  { latitude: 524159200, longitude: 46954100 },
];

const USAGE = `usage: node client.js [flags]
  -addr       host, host:port or https://host:port of the function; port ${DEFAULT_PORT} if none is given (localhost)
  -name       whom to greet (world)
  -authority  host name to ask for and to verify, where -addr does not name it
  -cafile     PEM file of the CA to trust (environment: SLUICE_CA_FILE); else the roots that Node.js knows
  -sign       sign the calls, for a trigger with authType function; the key is that of ALIBABA_CLOUD_ACCESS_KEY_ID and
              ALIBABA_CLOUD_ACCESS_KEY_SECRET
  -only       make one call only: hello, features, route or chat`;

const CALLS = { hello: sayHello, features: listFeatures, route: recordRoute, chat: routeChat };

try {
  const options = readOptions(process.argv.slice(2));
  const client = connect(options);
  for (const name of options.only ? [options.only] : Object.keys(CALLS)) {
    await CALLS[name](client, options).catch((error) => {
      throw new Error(`${name}: ${error.message}`);
    });
  }
  client.close();
} catch (error) {
  console.error(`greeter client: ${error.message}`);
  process.exit(1);
}

function readOptions(args) {
  const { values } = parseArgs({
    // One dash or two, as with the clients in other languages.
    args: args.map((arg) => arg.replace(/^-(?=[a-z]{2})/, "--")),
    options: {
      addr: { type: "string", default: "localhost" },
      name: { type: "string", default: "world" },
      authority: { type: "string" },
      cafile: { type: "string", default: process.env.SLUICE_CA_FILE },
      sign: { type: "boolean" },
      only: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (values.only && !(values.only in CALLS)) {
    throw new Error(`-only ${values.only} is none of ${Object.keys(CALLS).join(", ")}`);
  }
  return values;
}

/** Prepares a TLS connection; it is opened by the first call. The certificate is always verified. */
function connect({ addr, authority, cafile, sign }) {
  const roots = cafile ? readFileSync(cafile) : null;
  const protoFile = fileURLToPath(new URL("proto/helloworld.proto", import.meta.url));
  const { Greeter } = grpc.loadPackageDefinition(protoLoader.loadSync(protoFile)).helloworld;
  const names = authority ? { "grpc.default_authority": authority, "grpc.ssl_target_name_override": authority } : {};
  const tls = grpc.credentials.createSsl(roots);
  const credentials = sign ? grpc.credentials.combineChannelCredentials(tls, signedCalls(keyOfEnvironment())) : tls;
  return new Greeter(dialAddress(addr), credentials, names);
}

/** host:port of what people paste after -addr. */
function dialAddress(addr) {
  const rest = addr.replace(/^https:\/\//, "").replace(/\/$/, "");
  if (rest === "" || rest.includes("/")) throw new Error(`-addr ${addr} is not a host, host:port or https://host:port`);
  const isBareIpv6 = rest.split(":").length > 2 && !rest.startsWith("[");
  const host = isBareIpv6 ? `[${rest}]` : rest;
  return /:\d+$/.test(host) && !isBareIpv6 ? host : `${host}:${DEFAULT_PORT}`;
}

async function sayHello(client, { name }) {
  const reply = await unary((done) => client.SayHello({ name }, deadline(), done));
  console.log(`Greeting: ${reply.message}`);
}

async function listFeatures(client) {
  const names = [];
  for await (const feature of client.ListFeatures(AREA, deadline())) names.push(feature.name);
  if (names.length === 0) throw new Error("the greeter knows no features");
  console.log(`Features: ${names.length}, from ${names[0]} to ${names.at(-1)}`);
}

async function recordRoute(client) {
  const summary = await unary((done) => {
    const call = client.RecordRoute(deadline(), done);
    for (const point of ROUTE) call.write(point);
    call.end();
  });
  console.log(`Route: ${summary.pointCount} points, ${summary.featureCount} features, ${summary.distance} m`);
}

/** Leaves a note at the start of the route, at its end, and at its start again: the first one comes back. */
async function routeChat(client) {
  const call = client.RouteChat(deadline());
  call.write({ location: ROUTE[0], message: "setting out" });
  call.write({ location: ROUTE.at(-1), message: "arrived" });
  call.write({ location: ROUTE[0], message: "back again" });
  call.end();
  const messages = [];
  for await (const note of call) messages.push(note.message);
  console.log(`Chat: ${messages.length} earlier note here: ${JSON.stringify(messages)}`);
}

function deadline() {
  return { deadline: Date.now() + CALL_TIMEOUT_MS };
}

/** The reply of a call that takes a callback. */
function unary(call) {
  return new Promise((resolve, reject) => {
    call((error, reply) => (error ? reject(error) : resolve(reply)));
  });
}
