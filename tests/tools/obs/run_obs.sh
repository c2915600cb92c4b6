#!/bin/bash
# run_obs.sh URL KEY SECONDS  - drive real OBS (29) headless under its own Xvfb, stream to a custom RTMP/SRT server, stop cleanly.
# env: OBS_W OBS_H OBS_FPS OBS_VBITRATE OBS_ABITRATE OBS_PRESET OBS_KEYINT(s, 0=auto) OBS_BF(''=x264 default) OBS_MODE(Simple|Advanced)
#      OBS_MEDIA OBS_RUN(dir, kept) OBS_WS_PORT OBS_RETRY_DELAY OBS_MAX_RETRIES OBS_USER OBS_PASS OBS_EXTRA_X264
# exit 0: streamed and stopped cleanly; 3: never connected/was not active at the end; 4: had to be killed
set -u
URL=$1 KEY=$2 SECS=$3
HERE=$(cd "$(dirname "$0")" && pwd)
W=${OBS_W:-640} H=${OBS_H:-360} FPS=${OBS_FPS:-30} VB=${OBS_VBITRATE:-1500} AB=${OBS_ABITRATE:-128} PRESET=${OBS_PRESET:-veryfast}
KEYINT=${OBS_KEYINT:-2} MODE=${OBS_MODE:-Advanced} MEDIA=${OBS_MEDIA:?a video file}
RUN=${OBS_RUN:-$(mktemp -d "${TMPDIR:-/tmp}/obs-run.XXXXXX")}; mkdir -p "$RUN"; WSP=${OBS_WS_PORT:-$((20000 + RANDOM % 10000))}
PY=${OBS_PY:-python3}
export HOME=$RUN/home XDG_RUNTIME_DIR=$RUN/xdg; unset XDG_CONFIG_HOME DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY
C=$HOME/.config/obs-studio; mkdir -p "$C/basic/profiles/Test" "$C/basic/scenes" "$XDG_RUNTIME_DIR"; chmod 700 "$XDG_RUNTIME_DIR"
WSPW=$(head -c9 /dev/urandom | base64 | tr -d '/+=')
# keep the rtmp-services list updater (curl) off the network
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1,localhost
export LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb QT_LOGGING_RULES='*=false' LP_NUM_THREADS=${LP_NUM_THREADS:-1}
cat > "$C/global.ini" <<X
[General]
FirstRun=true
LastVersion=486539266
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false
MaxLogs=10
InfoIncrement=-1
ProcessPriority=Normal
EnableAutoUpdates=false
BrowserHWAccel=false
ConfirmOnExit=false

[Basic]
Profile=Test
ProfileDir=Test
SceneCollection=Test
SceneCollectionFile=Test
ConfigOnNewProfile=false

[BasicWindow]
PreviewEnabled=false
WarnBeforeStartingStream=false
WarnBeforeStoppingStream=false
SysTrayEnabled=false
ShowStatusBar=true

[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort=$WSP
AlertsEnabled=false
AuthRequired=true
ServerPassword=$WSPW
X
cat > "$C/basic/profiles/Test/basic.ini" <<X
[General]
Name=Test

[Output]
Mode=$MODE
Reconnect=true
RetryDelay=${OBS_RETRY_DELAY:-2}
MaxRetries=${OBS_MAX_RETRIES:-25}
DelayEnable=false

[Video]
BaseCX=$W
BaseCY=$H
OutputCX=$W
OutputCY=$H
FPSType=0
FPSCommon=$FPS
ColorFormat=NV12

[Audio]
SampleRate=48000
ChannelSetup=Stereo

[SimpleOutput]
StreamEncoder=x264
VBitrate=$VB
ABitrate=$AB
Preset=$PRESET
UseAdvanced=false

[AdvOut]
Encoder=obs_x264
ApplyServiceSettings=true
TrackIndex=1
Track1Bitrate=$AB
Rescale=false
X
"$PY" - "$C" "$URL" "$KEY" "$VB" "$PRESET" "$KEYINT" "$MEDIA" "$W" "$H" <<'P'
import json,sys,os
C,url,key,vb,preset,ki,media,w,h=sys.argv[1:]
svc={"server":url,"key":key,"bwtest":False,"use_auth":bool(os.environ.get('OBS_USER'))}
if svc['use_auth']: svc.update(username=os.environ['OBS_USER'],password=os.environ.get('OBS_PASS',''))
json.dump({"type":"rtmp_custom","settings":svc},open(C+'/basic/profiles/Test/service.json','w'))
enc={"rate_control":"CBR","bitrate":int(vb),"preset":preset,"keyint_sec":int(ki),"profile":"high","tune":""}
x=os.environ.get('OBS_EXTRA_X264','')
if os.environ.get('OBS_BF'): x=(x+' bframes='+os.environ['OBS_BF']).strip()
if x: enc['x264opts']=x
json.dump(enc,open(C+'/basic/profiles/Test/streamEncoder.json','w'))
item=dict(name='media',id=1,visible=True,locked=False,rot=0.0,pos={'x':0.0,'y':0.0},scale={'x':1.0,'y':1.0},align=5,
  bounds_type=2,bounds_align=0,bounds={'x':float(w),'y':float(h)},crop_left=0,crop_top=0,crop_right=0,crop_bottom=0)
json.dump({"name":"Test","current_scene":"Main","current_program_scene":"Main","scene_order":[{"name":"Main"}],
 "sources":[{"id":"scene","name":"Main","settings":{"id_counter":1,"custom_size":False,"items":[item]}},
  {"id":"ffmpeg_source","name":"media","mixers":255,"volume":1.0,"muted":False,"enabled":True,
   "settings":{"is_local_file":True,"local_file":media,"looping":True,"restart_on_activate":False,"close_when_inactive":False,"hw_decode":False,"clear_on_media_end":False}}],
 "groups":[],"transitions":[],"quick_transitions":[],"saved_projectors":[],"current_transition":"Cut","transition_duration":300,"preview_locked":False},
 open(C+'/basic/scenes/Test.json','w'))
P
# own X server; -displayfd picks a free number
exec 9>"$RUN/disp"; Xvfb -displayfd 9 -screen 0 1024x700x24 -nolisten tcp +extension GLX >"$RUN/xvfb.log" 2>&1 & XP=$!
for i in $(seq 50); do [ -s "$RUN/disp" ] && break; sleep 0.1; done; export DISPLAY=:$(cat "$RUN/disp")
OP=; fin(){ [ -n "$OP" ] && kill -KILL $OP 2>/dev/null; kill $XP 2>/dev/null; }; trap 'fin; exit 130' INT TERM; trap fin EXIT
obs --startstreaming --multi --minimize-to-tray --disable-missing-files-check --collection Test --profile Test >"$RUN/obs.out" 2>&1 & OP=$!
echo "run=$RUN display=$DISPLAY obs=$OP ws=$WSP" >&2
"$PY" "$HERE/obsctl.py" "$WSP" "$WSPW" "$SECS" "$OP" >"$RUN/ctl.log" 2>&1; RC=$?
# the stream is stopped; close the main window (clean save + exit), fall back to TERM, KILL
alive(){ kill -0 $OP 2>/dev/null; }; alive || STOP=died
if alive; then kill -INT $OP 2>/dev/null; for i in $(seq 30); do alive || break; sleep 0.1; done; alive || STOP=sigint; fi
if alive; then for w in $(xdotool search --pid $OP --name 'OBS' 2>/dev/null); do xdotool windowclose $w 2>/dev/null || true; done; for i in $(seq 30); do alive || break; sleep 0.1; done; fi
STOP=${STOP:-window}; if alive; then STOP=term; kill -TERM $OP; for i in $(seq 30); do alive || break; sleep 0.1; done; fi
if alive; then STOP=kill; RC=4; kill -KILL $OP; fi
wait $OP; ORC=$?; OP=
echo "stop=$STOP obs_rc=$ORC ctl_rc=$RC" >&2; tail -3 "$RUN/ctl.log" >&2
exit $RC
