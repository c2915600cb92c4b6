/** Words about keys of one's own. */
import type { Wording } from "../i18n/strings";

export const en = {
  title: "Keys",
  hint: "Your keys on Live and Multiview, at every desk where you sign in. X always cuts, for everybody.",
  acts: { note: "Note", sound: "Sound on, other picture, off" },
  add: "Add a key",
  addTo: (act: string) => `Add a key: ${act}`,
  press: "Press a key, or a button of a gamepad or pedal. Esc: none",
  remove: (key: string, act: string) => `Take ${key} away from: ${act}`,
  fixed: "fixed",
  reset: "As shipped",
  none: "no key",
  conflicts: {
    taken: (key: string, act: string) => `${key} already does: ${act}. Take it away there first.`,
    always_cut: (key: string) => `${key} always cuts.`,
    channels: (key: string) => `${key}: digits choose channels and reasons.`,
    browser: (key: string) => `${key} belongs to the browser.`,
    page: (key: string) => `${key} has a use of its own on the Live screen.`,
    unknown: () => "This key cannot be used. Letters, F2, F4, F8 to F10 and gamepad buttons can.",
    too_many: () => "Three keys are the most.",
  },
};

export const zh: Wording<typeof en> = {
  title: "按键",
  hint: "“直播”和“多画面”页面上您自己的按键，在任何一台电脑上登录都相同。X 键对所有人始终是切断。",
  acts: { note: "记录", sound: "声音：开、另一路、关" },
  add: "添加按键",
  addTo: (act) => `添加按键：${act}`,
  press: "请按一个键，或手柄、踏板上的按钮。Esc：取消",
  remove: (key, act) => `从“${act}”去掉 ${key}`,
  fixed: "固定",
  reset: "恢复默认",
  none: "无按键",
  conflicts: {
    taken: (key, act) => `${key} 已用于：${act}。请先在那里去掉。`,
    always_cut: (key) => `${key} 始终是切断。`,
    channels: (key) => `${key}：数字键用于选择频道和原因。`,
    browser: (key) => `${key} 由浏览器使用。`,
    page: (key) => `${key} 在“直播”页面另有用途。`,
    unknown: () => "此键不可用。可用：字母键、F2、F4、F8 至 F10、手柄按钮。",
    too_many: () => "最多三个键。",
  },
};
