import ArgumentParser
import HostFiles
import Reports

/// Results for programs: TAP on standard output, JUnit's XML in a file.
struct TestOutputOptions: ParsableArguments {
  @Flag(help: "Print the results in the Test Anything Protocol, version 13.")
  var tap = false

  @Option(help: ArgumentHelp("Write the results to a file as JUnit's XML.", valueName: "file"))
  var junit: String?

  var wantsReport: Bool { tap || junit != nil }

  /// - Throws: `OutputError` if the file can't be written.
  func write(_ results: [TestResult]) throws {
    if tap { Output.standard.write(PlainText.ofLines(TAPReport(results: results).text)) }
    if let junit {
      let file = try Output(creating: junit)
      file.write(JUnitReport(results: results).text)
      try file.finish()
    }
  }
}

/// https://testanything.org/tap-version-13-specification.html
struct TAPReport {
  var results: [TestResult]

  var text: String {
    var lines = ["TAP version 13", "1..\(results.count)"]
    for (index, result) in results.enumerated() {
      let name = result.name.replacing("#", with: "\\#")
      switch result.outcome {
      case .passed(let events): lines.append("ok \(index + 1) - \(name): \(events) events")
      case .failed(let report, _):
        lines.append("not ok \(index + 1) - \(name): \(result.word)")
        lines += report.map { "# \($0)" }
      case .unusable(let sentence):
        lines.append("not ok \(index + 1) - \(name): \(result.word)")
        lines.append("# \(sentence)")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}

/// The XML that Jenkins' JUnit plug-in made a standard: a suite of cases, each with a failure or an error or neither.
struct JUnitReport {
  var results: [TestResult]

  var text: String {
    let failures = results.count { $0.status == ExitStatus.different }
    let errors = results.count { $0.status == ExitStatus.hostMistake }
    let total = results.reduce(Duration.zero) { $0 + $1.duration }
    let counts =
      #"tests="\#(results.count)" failures="\#(failures)" errors="\#(errors)" time="\#(Self.seconds(total))""#
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      "<testsuites \(counts)>", #"  <testsuite name="pagewalk" \#(counts)>"#,
    ]
    for result in results {
      let open =
        #"    <testcase classname="pagewalk" name="\#(Self.escape(result.name))" "#
        + #"time="\#(Self.seconds(result.duration))""#
      switch result.outcome {
      case .passed: lines.append(open + "/>")
      case .failed(let report, _):
        lines.append(open + ">")
        lines.append(#"      <failure message="\#(Self.escape(report.first ?? result.word))">"#)
        lines += report.map(Self.escape)
        lines += ["      </failure>", "    </testcase>"]
      case .unusable(let sentence):
        lines.append(open + ">")
        lines.append(#"      <error message="\#(Self.escape(sentence))"/>"#)
        lines.append("    </testcase>")
      }
    }
    lines += ["  </testsuite>", "</testsuites>"]
    return lines.map { $0 + "\n" }.joined()
  }

  /// Seconds with three decimals.
  private static func seconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = String(attoseconds / 1_000_000_000_000_000)
    return "\(seconds)." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
  }

  /// XML 1.0, 2.2 and 2.4; characters that XML has no place for become "?".
  private static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case _ where HostName.byte(scalar) != nil: result += PlainText.of(String(scalar))
      case _ where scalar.value < 0x20: result += scalar == "\t" ? "\t" : "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
