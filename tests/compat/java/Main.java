import java.util.LinkedHashMap;
import java.util.Map;

/** Runs the unmodified Java SDK dtmcli-java 2.1.4 against our server. See ../README.md. */
public final class Main {
    /** A case: throws when it fails. */
    interface Case {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Branches.serve();
        Map<String, Case> cases = new LinkedHashMap<>();
        SagaCases.addTo(cases);
        TccCases.addTo(cases);
        for (Map.Entry<String, Case> one : cases.entrySet()) {
            String word = "ok";
            try {
                one.getValue().run();
            } catch (Exception | AssertionError error) {
                error.printStackTrace(System.out);
                word = "FAILED";
            }
            System.out.println("test java: " + one.getKey() + " ... " + word);
        }
        System.out.println("end of cases");
        // The SDK's connection pool has threads that do not end.
        System.exit(0);
    }

    private Main() {}
}
