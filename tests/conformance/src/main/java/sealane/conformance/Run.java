package sealane.conformance;

import java.io.FileReader;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.eclipse.dataspacetck.core.system.ConsoleMonitor;
import org.eclipse.dataspacetck.runtime.TckRuntime;

/** Runs every test of the kit against the node that a properties file describes. */
public final class Run {
    private static final String TESTS = "org.eclipse.dataspacetck.dsp.verification";
    private static final String LAUNCHER = "org.eclipse.dataspacetck.dsp.system.DspSystemLauncher";

    private Run() {}

    public static void main(String... args) throws IOException {
        var properties = new Properties();
        try (var reader = new FileReader(args[0])) {
            properties.load(reader);
        }
        Map<String, String> settings = new HashMap<>();
        properties.forEach((key, value) -> settings.put((String) key, (String) value));
        settings.put("dataspacetck.launcher", LAUNCHER);
        var debug = Boolean.parseBoolean(settings.getOrDefault("dataspacetck.debug", "false"));
        var only = System.getProperty("sealane.only");
        var builder = TckRuntime.Builder.newInstance()
                .properties(settings)
                .addPackage(TESTS)
                .monitor(new ConsoleMonitor(debug, false));
        if (only != null) {
            // Containers, too, are filtered by name; only the names of tests have a colon after the number's group.
            builder.displayNameMatching(name -> !name.matches("[A-Z_]+:\\d.*") || name.contains(only));
        }
        var summary = builder.build().execute();
        System.exit(summary.getTotalFailureCount() == 0 && summary.getTestsSucceededCount() > 0 ? 0 : 1);
    }
}
