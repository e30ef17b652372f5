import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.RegexpQuery;
import org.apache.lucene.util.automaton.RegExp;
import org.apache.lucene.util.automaton.TooComplexToDeterminizeException;

/** Says of each expression, a Java string literal a line, whether Lucene refuses it by default. */
public class Refuses {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            boolean refused = false;
            try {
                new RegexpQuery(new Term("f", text(line)), RegExp.ALL, 10_000);
            } catch (TooComplexToDeterminizeException | IllegalArgumentException e) {
                refused = true; // the other: isFinite goes too deep
            }
            System.out.println(refused ? "refused" : "taken");
        }
    }

    /** The text of a literal with the escapes \n, \t, \r, \" and \\. */
    static String text(String literal) {
        StringBuilder out = new StringBuilder();
        for (int i = 1; i < literal.length() - 1; i++) {
            char c = literal.charAt(i);
            if (c == '\\') {
                c = literal.charAt(++i);
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
            }
            out.append(c);
        }
        return out.toString();
    }
}
