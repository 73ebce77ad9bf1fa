/**
 * Shell program that runs a server for a process that may die at any moment: `sh -c SUPERVISOR sh <signal> <folder>
 * <program> <arguments…>`. It notices the end of its standard input, which the kernel closes however its caller ends
 * (`kill -9` included), sends the signal to the one process it started, and deletes the folder once that has ended.
 * The server's process id is in `<folder>/supervised.pid`. Exit code: the server's; 126 when that file cannot be written, e.g.
 * as the account may not enter the folder's parent.
 *
 * The signal is sent every second until it is heeded: a shell has what it puts in the background ignore SIGQUIT, so one that
 * comes before the server has a handler of its own is lost.
 *
 * A folder it may empty and not take away, because its parent is somebody else's, is left to the caller, empty.
 *
 * The shell reports a killed child on standard error, which may be closed by then: hence no SIGPIPE. PATH is extended
 * because the caller's may lack `rm` and `sleep`.
 */
export const SUPERVISOR = `
PATH="$PATH:/usr/bin:/bin"
exec 3<&0
signal=$1; folder=$2; shift 2
"$@" </dev/null 3<&- &
server=$!
trap "" PIPE
echo "$server" > "$folder/supervised.pid" || { kill -KILL "$server"; exit 126; }
( read -r nothing <&3; while kill -"$signal" "$server"; do sleep 1; done ) >/dev/null 2>&1 &
watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
tries=0
while ! rm -rf "$folder" 2>/dev/null && [ "$tries" -lt 50 ] && [ -n "$(ls -A "$folder" 2>/dev/null)" ]; do
  tries=$((tries + 1)); sleep 0.1
done
exit "$code"
`;
