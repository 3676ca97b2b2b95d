import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.net.URL;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a case expects of the branches and of the server. */
final class Expect {
    /** host:port, as the SDK wants it. */
    static final String SERVER = System.getenv("DTM_HTTP").replace("http://", "");

    private static final long PATIENCE_MILLIS = 20_000;

    static void calls(String gid, String... want) {
        equal("calls", Branches.calls(gid), Arrays.asList(want));
    }

    /** Branch, op and status of each row, in order. */
    static void rows(String gid, String... want) throws Exception {
        List<String> rows = new ArrayList<>();
        for (JsonNode row : look(gid).get("branches")) {
            rows.add(row.get("branch_id").asText() + " " + row.get("op").asText() + " " + row.get("status").asText());
        }
        equal("rows", rows, Arrays.asList(want));
    }

    /** Waits until the transaction has this status. */
    static void status(String gid, String want) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        while (!want.equals(look(gid).path("transaction").path("status").asText())) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("expected status: " + want + "\nbut it is: " + look(gid)
                        + "\ncalls: " + Branches.calls(gid));
            }
            Thread.sleep(10);
        }
    }

    static void equal(String what, Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError(what + "\nexpected: " + want + "\nbut was:  " + got);
        }
    }

    static void failure(String what, Main.Case call) {
        try {
            call.run();
        } catch (Exception expected) {
            return;
        }
        throw new AssertionError(what + "\nexpected: an exception\nbut there was none");
    }

    private static JsonNode look(String gid) throws Exception {
        return new ObjectMapper().readTree(new URL("http://" + SERVER + "/api/dtmsvr/query?gid=" + gid));
    }

    private Expect() {}
}
