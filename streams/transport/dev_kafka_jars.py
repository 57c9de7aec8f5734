"""The jars of the development broker: fetched once with Maven, kept in the user's cache.

~/.cache/rapport/kafka-4.1.1/libs/*.jar        46 jars, 43 MB, from Maven Central
                            /<java>.jsa        class archive: halves the start; made at the first clean stop
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from streams.errors import Fatal

KAFKA_VERSION = "4.1.1"
_JAVA_MIN = 17
_DOWNLOAD_S = 600

# StorageTool needs argparse4j at run time, and without a binding of slf4j the broker would log nothing at all.
_DEPENDENCIES = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    ("net.sourceforge.argparse4j", "argparse4j", "0.7.0"),
    ("org.slf4j", "slf4j-simple", "1.7.36"),
)


def missing() -> str:
    """What this machine lacks to run the development broker, in words; empty: nothing."""
    java = shutil.which("java")
    if java is None:
        return f"no java on the PATH: install a Java {_JAVA_MIN} runtime (Debian: openjdk-{_JAVA_MIN}-jre-headless)"
    version = java_version()
    if version < _JAVA_MIN:
        return f"want Java {_JAVA_MIN} or newer, found {version} at {java}"
    if not _is_complete(_libs()) and shutil.which("mvn") is None:
        return f"no mvn on the PATH to fetch Kafka {KAFKA_VERSION} with: install Maven (Debian: maven)"
    return ""


def java_version() -> int:
    """The major version of the java on the PATH; 0 when it does not say."""
    # Prints `openjdk version "17.0.15" …` to standard error.
    out = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607
    _, _, rest = out.partition('version "')
    major = rest.partition(".")[0].partition('"')[0]
    return int(major) if major.isdigit() else 0


def jars() -> Path:
    """The folder with the jars; fetches them when they are not there. Raises `Fatal` with the way out."""
    libs = _libs()
    if _is_complete(libs):
        return libs
    if problem := missing():
        raise Fatal(f"development broker: {problem}")
    libs.parent.mkdir(parents=True, exist_ok=True)
    with (libs.parent / "fetch.lock").open("a") as lock:
        # Several test runs share the cache: the first one fetches.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(libs):
            _fetch(libs)
    return libs


def archive() -> Path:
    """Where the class archive for this Java is, or would be."""
    out = subprocess.run(["java", "-version"], capture_output=True, check=False).stderr  # noqa: S607
    return _libs().parent / f"{hashlib.sha256(out).hexdigest()[:12]}.jsa"


def _libs() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "rapport" / f"kafka-{KAFKA_VERSION}" / "libs"


def _is_complete(libs: Path) -> bool:
    # The folder gets its name only when everything is in it.
    return libs.is_dir()


def _fetch(libs: Path) -> None:
    with tempfile.TemporaryDirectory(dir=libs.parent) as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(_pom())
        command = [
            *("mvn", "--quiet", "--batch-mode", "--file", str(pom), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={folder}/libs"),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_S)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise Fatal(f"development broker: mvn did not fetch the jars within {_DOWNLOAD_S} s") from None
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-1_000:]
            raise Fatal(f"development broker: mvn could not fetch Kafka {KAFKA_VERSION}: {said}")
        Path(folder, "libs").rename(libs)


def _pom() -> str:
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in _DEPENDENCIES
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>rapport</groupId><artifactId>development-broker</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
    )
