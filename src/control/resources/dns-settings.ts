/** customDNS of a function (Function Compute, API 2021-04-06, "CustomDNS"): what resolv.conf(5) says in its instances. */
import { isIP } from "node:net";
import { z } from "zod";
import type { DnsSetting, DnsSettings } from "../../model/model.ts";
import { settings } from "./validation.ts";

const LIST_MAX = 10;

function listOf(isOne: (value: string) => boolean, expected: string) {
  return z.custom<string[]>(
    (value) =>
      Array.isArray(value) &&
      value.length <= LIST_MAX &&
      value.every((each) => typeof each === "string" && isOne(each)),
    `a list of at most ${LIST_MAX} ${expected}`,
  );
}

function word(pattern: RegExp, expected: string) {
  return z.custom<string>((value) => typeof value === "string" && pattern.test(value), expected);
}

export const customDNS = settings({
  nameServers: listOf((each) => isIP(each) !== 0 && !each.includes("%"), "IP addresses"),
  searches: listOf((each) => /^[A-Za-z0-9_.-]{1,253}$/.test(each), "domain names"),
  dnsOptions: z
    .array(
      settings({
        name: word(/^[a-z0-9-]{1,64}$/, "the name of an option of resolv.conf"),
        value: word(/^[A-Za-z0-9-]{0,64}$/, "a text of at most 64 letters and digits"),
      }),
      "a list",
    )
    .max(LIST_MAX, `at most ${LIST_MAX} options`),
});

/** What instances are told; undefined where nothing is set. */
export function dnsOf(setting: DnsSetting | undefined): DnsSettings | undefined {
  const { nameServers = [], searches = [], dnsOptions = [] } = setting ?? {};
  const options = dnsOptions
    .filter(({ name = "" }) => name !== "")
    .map(({ name, value = "" }) => (value === "" ? name! : `${name}:${value}`));
  if (nameServers.length + searches.length + options.length === 0) return undefined;
  return { nameServers: [...nameServers], searches: [...searches], options };
}
