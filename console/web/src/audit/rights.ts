/** Rights in words, as a refusal names what was missing. Pure. */
import type { Right } from "../api/types";
import type { Language } from "../i18n";

const RIGHTS: Record<Right, Record<Language, string>> = {
  public: { en: "nothing", zh: "无" },
  session: { en: "to be signed in", zh: "登录" },
  "own:password": { en: "to change one's password", zh: "修改本人密码" },
  "own:totp": { en: "to set up one's second factor", zh: "设置本人动态验证码" },
  "own:account": { en: "to use one's account", zh: "使用本人账号" },
  "channel:view": { en: "to watch the channel", zh: "查看频道" },
  "channel:cut": { en: "to cut", zh: "切断播出" },
  "channel:restore": { en: "to restore", zh: "恢复播出" },
  "channel:live": { en: "to go back to live", zh: "切回直播" },
  "channel:start": { en: "to start broadcasts", zh: "开始播出" },
  "channel:stop": { en: "to stop broadcasts", zh: "停止播出" },
  "channel:dump": { en: "to dump and condemn", zh: "丢弃和切除" },
  "channel:backup": { en: "to air backup", zh: "播出备用画面" },
  "channel:settings": { en: "to change channels", zh: "更改频道设置" },
  "destination:enter": { en: "to enter destinations", zh: "录入目的地" },
  "destination:approve": { en: "to approve destinations", zh: "审批目的地" },
  "backup:upload": { en: "to upload backup clips", zh: "上传备用片段" },
  "settings:read": { en: "to read settings", zh: "查看系统设置" },
  "audit:read": { en: "to read the audit trail", zh: "查看操作记录" },
  "people:read": { en: "to see people", zh: "查看人员" },
  "people:manage": { en: "to manage people", zh: "管理人员" },
  "tokens:read": { en: "to see tokens", zh: "查看令牌" },
  "tokens:manage": { en: "to manage tokens", zh: "管理令牌" },
  "review:read": { en: "to see comments", zh: "查看评论" },
  "review:decide": { en: "to review comments", zh: "审核评论" },
  "interaction:set": { en: "to open and close interaction", zh: "开关互动" },
  "terms:add": { en: "to add terms", zh: "添加词条" },
  "archive:read": { en: "to see recordings", zh: "查看录像" },
  "incident:note": { en: "to note incidents", zh: "记录事件备注" },
  "incident:read": { en: "to see incidents", zh: "查看事件" },
  "incident:write": { en: "to write incidents up", zh: "填报事件" },
  "archive:hold": { en: "to hold recordings", zh: "保留录像" },
  "archive:lift": { en: "to lift holds", zh: "解除保留" },
  "archive:export": { en: "to export recordings", zh: "导出录像" },
  "storage:read": { en: "to see the storage", zh: "查看存储" },
  "duty:take": { en: "to go on duty", zh: "接班和交班" },
  "duty:roster": { en: "to edit the roster", zh: "编辑值班表" },
  "practice:run": { en: "to run practices", zh: "进行演练" },
};

/** "the right to cut (channel:cut)"; the name as it is where a later version wrote it. */
export function rightName(right: string, language: Language): string {
  if (!Object.hasOwn(RIGHTS, right)) return right;
  const words = RIGHTS[right as Right][language];
  return language === "zh" ? `${words}（${right}）` : `the right ${words} (${right})`;
}
