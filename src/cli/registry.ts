import type { Command } from "./command.ts";
import { aliasesCommand } from "./commands/aliases.ts";
import { auditCommand } from "./commands/audit.ts";
import { backupCommand } from "./commands/backup.ts";
import { billCommand } from "./commands/bill.ts";
import { configCommand } from "./commands/config.ts";
import { deployCommand } from "./commands/deploy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { envCommand } from "./commands/env.ts";
import { hostsCommand } from "./commands/hosts.ts";
import { infoCommand } from "./commands/info.ts";
import { instancesCommand } from "./commands/instances.ts";
import { invokeCommand } from "./commands/invoke.ts";
import { keysCommand } from "./commands/keys.ts";
import { logsCommand } from "./commands/logs.ts";
import { removeCommand } from "./commands/remove.ts";
import { restoreCommand } from "./commands/restore.ts";
import { rollbackCommand } from "./commands/rollback.ts";
import { startCommand } from "./commands/start.ts";
import { trustCommand } from "./commands/trust.ts";
import { versionsCommand } from "./commands/versions.ts";

/** Every command, in the order of the help. Their files load what they need only when they run. */
export const commands: readonly Command[] = [
  startCommand,
  deployCommand,
  infoCommand,
  instancesCommand,
  invokeCommand,
  logsCommand,
  versionsCommand,
  aliasesCommand,
  rollbackCommand,
  removeCommand,
  keysCommand,
  auditCommand,
  billCommand,
  backupCommand,
  restoreCommand,
  hostsCommand,
  trustCommand,
  envCommand,
  configCommand,
  doctorCommand,
];
