# shellcheck shell=bash
# A real Kafka for tests and people, sourced by ./dev: one KRaft node on loopback, whose data goes
# when it goes. `start_kafka [PORT]` sets KAFKA_BROKERS and has it stopped when the script ends.

readonly KAFKA_VERSION=4.1.2
readonly KAFKA_START_SECONDS=60
readonly KAFKA_CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/customer-ledger
readonly KAFKA_JARS=$KAFKA_CACHE/kafka-$KAFKA_VERSION

readonly KAFKA_JAVA=(java -cp "$KAFKA_JARS/*" -Xms128m -Xmx512m -XX:TieredStopAtLevel=1
  -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
  -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info)

kafka_dir= kafka_pid=

# Sets KAFKA_BROKERS once the node listens. Free ports may be gone before the node has them, so
# with ports of our own choice there are three tries.
start_kafka() {
  local port=${1:-} tries=3
  if [[ $port && ! $port =~ ^[1-9][0-9]{0,4}$ ]]; then
    echo "./dev: a port is a number, not \"$port\"" >&2
    exit 2
  fi
  fetch_jars
  trap stop_kafka EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  [[ $port ]] && tries=1
  while ((tries-- > 0)); do
    launch_kafka "${port:-$(free_port 20000)}" "$(free_port 26000)"
    await_kafka && return
    ((tries > 0)) && grep -q 'Address already in use' "$kafka_dir/kafka.log" || break
    stop_kafka
  done
  if [[ $port ]] && grep -q 'Address already in use' "$kafka_dir/kafka.log"; then
    echo "./dev: port $port is in use" >&2
    exit 1
  fi
  echo "./dev: Kafka did not start; the end of its log:" >&2
  tail -n 40 "$kafka_dir/kafka.log" >&2
  exit 1
}

# $1: the clients' port, $2: the controller's.
launch_kafka() {
  kafka_dir=$(mktemp -d "${TMPDIR:-/tmp}/customer-ledger-kafka.XXXXXX")
  KAFKA_BROKERS=127.0.0.1:$1
  make_kafka "$kafka_dir" "$1" "$2" "$1" || { kafka_pid=; return; }
  # It dies with this script, also when that is killed and no trap runs.
  setpriv --pdeathsig KILL "${KAFKA_JAVA[@]}" kafka.Kafka "$kafka_dir/server.properties" \
    >>"$kafka_dir/kafka.log" 2>&1 </dev/null &
  kafka_pid=$!
}

# An empty node in the directory $1 that listens on the port $2, its controller on $3; clients are
# told to come to $4.
make_kafka() {
  cat >"$1/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$3
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$4
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$1/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
END
  "${KAFKA_JAVA[@]}" kafka.tools.StorageTool format -t customer-ledger-kafkaA \
    -c "$1/server.properties" >"$1/kafka.log" 2>&1
}

# Becomes that node, which goes on with the data it has.
become_kafka() {
  exec "${KAFKA_JAVA[@]}" kafka.Kafka "$1/server.properties" >>"$1/kafka.log" 2>&1 </dev/null
}

# Its own word that it listens: at a port that was taken meanwhile, somebody else would answer.
await_kafka() {
  local deadline=$((SECONDS + KAFKA_START_SECONDS))
  while [[ $kafka_pid ]] && kill -0 "$kafka_pid" 2>/dev/null && ((SECONDS < deadline)); do
    grep -q 'Kafka Server started' "$kafka_dir/kafka.log" && return
    sleep 0.1
  done
  return 1
}

stop_kafka() {
  if [[ $kafka_pid ]]; then
    kill -KILL "$kafka_pid" 2>/dev/null || true # nothing in there is worth a goodbye
    wait "$kafka_pid" 2>/dev/null || true
  fi
  [[ ! $kafka_dir ]] || rm -rf -- "$kafka_dir"
  kafka_pid= kafka_dir=
}

# One of the 6000 ports from $1; both ranges lie below the ports that Linux hands out to clients.
free_port() {
  local port
  while port=$(($1 + RANDOM % 6000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# Once for all checkouts, all or nothing, one at a time.
fetch_jars() {
  mkdir -p "$KAFKA_CACHE"
  (
    flock 9
    [[ ! -d $KAFKA_JARS ]] || exit 0
    echo "./dev: fetching Apache Kafka $KAFKA_VERSION"
    new=$(mktemp -d "$KAFKA_JARS.XXXXXX")
    trap 'rm -rf -- "$new"' EXIT
    cat >"$new/pom.xml" <<END
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>customer-ledger</groupId><artifactId>kafka</artifactId><version>0</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>$KAFKA_VERSION</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
END
    output=$(mvn -q -B -f "$new/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
      -DoutputDirectory="$new/jars" 2>&1) || { echo "$output" >&2; exit 1; }
    mv -T -- "$new/jars" "$KAFKA_JARS"
  ) 9>"$KAFKA_CACHE/kafka.lock"
}
