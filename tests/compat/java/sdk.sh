# The Java SDK; see ../lib.sh.

java_need() {
    need_command javac default-jdk-headless && need_command mvn maven
}

java_libraries() {
    rm -rf "$cache/java/lib"
    mvn --batch-mode --quiet --file tests/compat/java/pom.xml \
        dependency:copy-dependencies -DoutputDirectory="$cache/java/lib" -DincludeScope=runtime
}

java_classes() {
    rm -rf "$cache/java/classes"
    mkdir -p "$cache/java/classes"
    javac -encoding UTF-8 -proc:none -cp "$cache/java/lib/*" -d "$cache/java/classes" tests/compat/java/*.java
}

java_build() {
    unless_current java-libraries tests/compat/java/pom.xml -- java_libraries &&
        unless_current java-classes tests/compat/java/pom.xml tests/compat/java/*.java -- java_classes
}

# SLF4J says that it has nobody to log to.
java_run() { timeout 120 java -cp "$cache/java/classes:$cache/java/lib/*" Main 2>&1 | grep -v '^SLF4J: '; }
