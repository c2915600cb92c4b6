/** Words of the conveyor and the review player. */
import type { Wording } from "../../i18n/strings";

export const en = {
  seconds: (n: number) => `${n.toFixed(1)} s`,
  beginning: "beginning: drag, or I",
  end: "end: drag, or O",
  kinds: { cut: "cut", dump: "will not air", condemn: "will not air", mute: "muted", bleep: "bleeped", mosaic: "mosaic" },
  notReady: "not ready: filler",
  noted: (who: string, what: string) => `${who}: ${what}`,
  comments: (n: number) => `${n} comments`,

  willNotAir: (seconds: number, asked: number, open: boolean) =>
    `Will not air: ${seconds.toFixed(1)} s${open ? " or more, to the next keyframe" : ""} (marked ${asked.toFixed(1)} s)`,
  why: { drag: "", marks: "", pause: "from the last pause", scene: "from the last change of scene", blind: "from 5 s ago" },
  condemn: "Do not air",
  redact: { mute: "Mute", bleep: "Bleep", mosaic: "Mosaic" },
  mosaicOver: (seconds: number, open: boolean) => `Mosaic ${seconds.toFixed(1)}${open ? "+" : ""} s`,
  leave: "Leave",
  lift: "Lift",
  uncut: "Undo the cut",

  review: "REVIEW",
  aired: "has reached air",
  in: "in",
  out: "out",
  frameBack: "frame −",
  frameOn: "frame +",
  area: "area",
  boxSize: (w: number, h: number) => `${w} × ${h} %`,
  boxAlone: "The area is drawn. Now mark from when to when it is covered: I and O.",
  play: "play",
  close: "close",
  states: {
    loading: "Loading …",
    ready: "",
    ahead: "Being recorded: it is shown in a moment",
    away: "No recording of this",
  },
};

export const zh: Wording<typeof en> = {
  seconds: (n) => `${n.toFixed(1)} 秒`,
  beginning: "起点：拖动或按 I",
  end: "终点：拖动或按 O",
  kinds: { cut: "切断", dump: "不播", condemn: "不播", mute: "静音", bleep: "提示音", mosaic: "马赛克" },
  notReady: "未就绪：播垫片",
  noted: (who, what) => `${who}：${what}`,
  comments: (n) => `${n} 条评论`,

  willNotAir: (seconds, asked, open) =>
    `不播 ${seconds.toFixed(1)} 秒${open ? "以上，至下一关键帧" : ""}（选 ${asked.toFixed(1)} 秒）`,
  why: { drag: "", marks: "", pause: "自上一停顿起", scene: "自上一镜头切换起", blind: "自 5 秒前起" },
  condemn: "不播",
  redact: { mute: "静音", bleep: "提示音", mosaic: "马赛克" },
  mosaicOver: (seconds, open) => `马赛克 ${seconds.toFixed(1)}${open ? "+" : ""} 秒`,
  leave: "放弃",
  lift: "解除",
  uncut: "撤销切断",

  review: "回看",
  aired: "已播出",
  in: "入点",
  out: "出点",
  frameBack: "上一帧",
  frameOn: "下一帧",
  area: "区域",
  boxSize: (w, h) => `${w} × ${h} %`,
  boxAlone: "区域已画好。请标出遮挡的起止：I 和 O。",
  play: "播放",
  close: "关闭",
  states: {
    loading: "加载中 …",
    ready: "",
    ahead: "正在录制，即将显示",
    away: "此段没有录像",
  },
};
