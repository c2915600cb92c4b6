/** Words of the settings screen. */
import type { Wording } from "../i18n/strings";

export const en = {
  title: "Settings",
  hint: (file: string) => `As this streamgate was started. They are changed in ${file} and read when streamgate serve starts.`,
  name: "Setting",
  value: "Value",
  source: "From",
  allowed: "Allowed",
  off: "off",
  sources: {
    default: "default",
    file: "streamgate.toml",
    environment: "environment",
    "command line": "command line",
  },
  filter: "Find a setting",
  nothing: "No setting of this kind.",
  changedOnly: "Changed ones only",
  /** By name; "" where the server's own sentence serves. */
  meaning: {} as Record<string, string>,
};
export const zh: Wording<typeof en> = {
  title: "设置",
  hint: (file) => `本次启动时的设置。请在 ${file} 中修改，重新运行 streamgate serve 后生效。`,
  name: "设置项",
  value: "值",
  source: "来源",
  allowed: "允许值",
  off: "关闭",
  sources: { default: "默认", file: "streamgate.toml", environment: "环境变量", "command line": "命令行" },
  filter: "查找设置",
  nothing: "没有符合的设置。",
  changedOnly: "仅显示已更改项",
  meaning: {
    data_dir: "一个目录",
    rtmp: "主机:端口，例如 0.0.0.0:1935 或 [::1]:1935",
    rtmps: "主机:端口，例如 0.0.0.0:1936；留空为关闭",
    tls_cert: "rtmps 证书链的 PEM 文件",
    tls_key: "rtmps 私钥的 PEM 文件",
    console: "主机:端口，例如 127.0.0.1:8080 或 [::1]:8080",
    public_host: "编码器访问本机所用的主机名或地址，不含端口",
    retention_days: "60 至 36500 的整数天（规则 R8，第十九条：录像保存不少于 60 日）",
    no_input_stop_min: "0 至 10080 分钟（0：播出不会自动结束）",
    database: "sqlite（数据目录中的文件），或 postgresql+psycopg://用户:密码@主机:端口/数据库（密码也可放在 ~/.pgpass）",
    approval: "one-person（在主机命令行录入的目的地视为已由该管理员批准）或 two-person（同样须另一人审批）（规则 R13）",
    log_level: "debug、info、warning 或 error",
    ring_max_mb: "64 至 1048576 的整数 MB",
    max_bitrate_mbps: "每秒 1 至 1000 兆比特",
  },
};
