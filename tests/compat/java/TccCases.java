import pub.dtm.client.DtmClient;
import pub.dtm.client.interfaces.dtm.DtmConsumer;
import pub.dtm.client.tcc.Tcc;

import java.util.Collections;
import java.util.Map;

final class TccCases {
    private static final DtmClient CLIENT = new DtmClient(Expect.SERVER);

    static void addTo(Map<String, Main.Case> cases) {
        cases.put("tcc: is confirmed", TccCases::isConfirmed);
        cases.put("tcc: is cancelled", TccCases::isCancelled);
        cases.put("tcc: a gid is used once", TccCases::gidIsUsedOnce);
    }

    private static final DtmConsumer<Tcc> BUSINESS = tcc -> {
        for (String name : new String[] {"out", "in"}) {
            tcc.callBranch(Collections.singletonMap("amount", 30), Branches.url(name), Branches.url(name + "Confirm"),
                    Branches.url(name + "Cancel"));
        }
    };

    private static void isConfirmed() throws Exception {
        String gid = CLIENT.tccGlobalTransaction(BUSINESS);
        Expect.status(gid, "succeed");
        Expect.calls(gid,
                "tcc try 01 out({\"amount\":30})", "tcc try 02 in({\"amount\":30})",
                "tcc confirm 02 inConfirm({\"amount\":30})", "tcc confirm 01 outConfirm({\"amount\":30})");
        Expect.rows(gid, "01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed");
    }

    private static void isCancelled() throws Exception {
        String gid = "java-tcc-cancelled";
        Branches.fail(gid, "in");
        Expect.failure("tccGlobalTransaction", () -> CLIENT.tccGlobalTransaction(gid, BUSINESS));
        Expect.status(gid, "failed");
        Expect.calls(gid,
                "tcc try 01 out({\"amount\":30})", "tcc try 02 in({\"amount\":30})",
                "tcc cancel 02 inCancel({\"amount\":30})", "tcc cancel 01 outCancel({\"amount\":30})");
        Expect.rows(gid, "01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared");
    }

    /** The 409 of a prepare reaches the caller, and nothing is called again. */
    private static void gidIsUsedOnce() throws Exception {
        String gid = CLIENT.tccGlobalTransaction(BUSINESS);
        Expect.status(gid, "succeed");
        Expect.failure("tccGlobalTransaction", () -> CLIENT.tccGlobalTransaction(gid, BUSINESS));
        Expect.equal("number of calls", Branches.calls(gid).size(), 4);
    }

    private TccCases() {}
}
