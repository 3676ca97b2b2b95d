import pub.dtm.client.DtmClient;
import pub.dtm.client.saga.Saga;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

final class SagaCases {
    private static final DtmClient CLIENT = new DtmClient(Expect.SERVER);
    private static final Map<String, Integer> PAYLOAD = Collections.singletonMap("amount", 30);

    static void addTo(Map<String, Main.Case> cases) {
        cases.put("saga: succeeds", SagaCases::succeeds);
        cases.put("saga: is rolled back", SagaCases::isRolledBack);
        cases.put("saga: concurrent, succeeds", SagaCases::concurrentSucceeds);
        cases.put("saga: concurrent, is rolled back in the reverse order", SagaCases::concurrentIsRolledBack);
        cases.put("saga: result is awaited", SagaCases::resultIsAwaited);
    }

    private static Saga saga(String gid, String... names) {
        Saga saga = CLIENT.newSaga(gid);
        for (String name : names) {
            saga.add(Branches.url(name), Branches.url(name + "Back"), PAYLOAD);
        }
        return saga;
    }

    private static void succeeds() throws Exception {
        // Without a gid the SDK asks the server for one.
        Saga saga = CLIENT.newSaga();
        saga.add(Branches.url("out"), Branches.url("outBack"), PAYLOAD);
        saga.add(Branches.url("in"), Branches.url("inBack"), PAYLOAD);
        String gid = saga.submit();
        Expect.status(gid, "succeed");
        Expect.calls(gid, "saga action 01 out({\"amount\":30})", "saga action 02 in({\"amount\":30})");
        Expect.rows(gid,
                "01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed");
    }

    private static void isRolledBack() throws Exception {
        String gid = "java-saga-back";
        Branches.fail(gid, "in");
        saga(gid, "out", "in").submit();
        Expect.status(gid, "failed");
        Expect.calls(gid,
                "saga action 01 out({\"amount\":30})", "saga action 02 in({\"amount\":30})",
                "saga compensate 02 inBack({\"amount\":30})", "saga compensate 01 outBack({\"amount\":30})");
        Expect.rows(gid,
                "01 compensate succeed", "01 action succeed", "02 compensate succeed", "02 action failed");
    }

    private static void concurrentSucceeds() throws Exception {
        String gid = "java-saga-concurrent";
        saga(gid, "first", "second", "third").enableConcurrent().addBranchOrder(2, Arrays.asList(0, 1)).submit();
        Expect.status(gid, "succeed");
        List<String> calls = Branches.calls(gid);
        Expect.equal("number of calls", calls.size(), 3);
        Expect.equal("last call", calls.get(2), "saga action 03 third({\"amount\":30})");
    }

    private static void concurrentIsRolledBack() throws Exception {
        String gid = "java-saga-concurrent-back";
        Branches.fail(gid, "third");
        saga(gid, "first", "second", "third").enableConcurrent().addBranchOrder(2, Arrays.asList(0, 1)).submit();
        Expect.status(gid, "failed");
        List<String> calls = Branches.calls(gid);
        Expect.equal("number of calls", calls.size(), 6);
        Expect.equal("first compensation", calls.get(3), "saga compensate 03 thirdBack({\"amount\":30})");
    }

    private static void resultIsAwaited() throws Exception {
        saga("java-saga-waits", "out").enableWaitResult().submit();
        Expect.calls("java-saga-waits", "saga action 01 out({\"amount\":30})");

        String gid = "java-saga-waits-back";
        Branches.fail(gid, "out");
        Expect.failure("submit of a saga that is rolled back", () -> saga(gid, "out").enableWaitResult().submit());
        Expect.status(gid, "failed");
    }

    private SagaCases() {}
}
