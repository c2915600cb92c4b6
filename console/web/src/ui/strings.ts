/** Words that several screens share. */
import type { Wording } from "../i18n/strings";

export const en = {
  notInForce: "Stored, but not in force yet:",
  stale: "What is shown may be old:",
  again: "Try again",
  removed: (what: string) => `${what} was removed.`,
  undo: "Undo",
  copy: "Copy",
  copied: "Copied",
  notCopied: "Not copied",
  save: "Save",
  cancel: "Cancel",
  remove: "Remove",
  none: "none",
  showTyped: "Show what is typed",
  onMachine: (who: string) => `${who} (on the machine)`,
  incident: (id: string) => `incident ${id}`,
};
export const zh: Wording<typeof en> = {
  notInForce: "已保存，但尚未生效：",
  stale: "显示的内容可能已过时：",
  again: "重试",
  removed: (what) => `已移除 ${what}。`,
  undo: "撤销",
  copy: "复制",
  copied: "已复制",
  notCopied: "未能复制",
  save: "保存",
  cancel: "取消",
  remove: "移除",
  none: "无",
  showTyped: "显示输入内容",
  onMachine: (who) => `${who}（主机命令行）`,
  incident: (id) => `事件 ${id}`,
};
