import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;

/** The branches of all cases: they write down what they were asked, and say yes unless the case wants a no. */
final class Branches {
    private static final Map<String, List<String>> CALLS = new HashMap<>();
    private static final Set<String> FAILING = new HashSet<>();
    private static String base;

    static void serve() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", Branches::answer);
        server.start();
        base = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    }

    static String url(String name) {
        return base + name;
    }

    /** From now on this branch answers FAILURE to this transaction. */
    static synchronized void fail(String gid, String name) {
        FAILING.add(gid + " " + name);
    }

    /** The calls of a transaction: type, op, branch, name and payload. */
    static synchronized List<String> calls(String gid) {
        return new ArrayList<>(CALLS.getOrDefault(gid, new ArrayList<>()));
    }

    private static synchronized boolean isDone(String gid, String name, String call) {
        CALLS.computeIfAbsent(gid, unused -> new ArrayList<>()).add(call);
        return !FAILING.contains(gid + " " + name);
    }

    private static void answer(HttpExchange exchange) throws IOException {
        Map<String, String> query = query(exchange.getRequestURI().getQuery());
        String name = exchange.getRequestURI().getPath().substring(1);
        String payload = text(exchange.getRequestBody());
        String gid = query.getOrDefault("gid", "");
        String call = query.get("trans_type") + " " + query.get("op") + " " + query.get("branch_id") + " " + name
                + "(" + payload + ")";
        boolean done = isDone(gid, name, call);
        byte[] body = ("{\"dtm_result\":\"" + (done ? "SUCCESS" : "FAILURE") + "\"}").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(done ? 200 : 409, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static Map<String, String> query(String text) {
        Map<String, String> query = new HashMap<>();
        for (String pair : (text == null ? "" : text).split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        return query;
    }

    static String text(InputStream stream) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[4096];
        for (int length; (length = stream.read(buffer)) > 0; ) {
            bytes.write(buffer, 0, length);
        }
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    private Branches() {}
}
