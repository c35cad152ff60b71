package sealane.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/** Writes one line for each test as it ends: status, seconds, class, tags, name and message, tab-separated, Base64. */
public final class Results implements TestExecutionListener {
    private final Path file = Path.of(System.getProperty("sealane.results"));
    private final Map<String, Long> started = new ConcurrentHashMap<>();

    @Override
    public void executionStarted(TestIdentifier test) {
        started.put(test.getUniqueId(), System.nanoTime());
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        write(test, "skipped", reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        var failure = result.getThrowable().map(String::valueOf).orElse("");
        // A class that fails before its first test is a failure as well.
        if (test.isTest() || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
            write(test, result.getStatus() == TestExecutionResult.Status.SUCCESSFUL ? "passed" : "failed", failure);
        }
    }

    private synchronized void write(TestIdentifier test, String status, String message) {
        var nanos = System.nanoTime() - started.getOrDefault(test.getUniqueId(), System.nanoTime());
        var line = String.join("\t", status, String.valueOf(nanos / 1e9), encoded(test.getUniqueId()),
                encoded(String.valueOf(test.getTags())), encoded(test.getDisplayName()), encoded(message));
        try {
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
