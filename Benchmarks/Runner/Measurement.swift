/// What one workload did on one emulator.
struct Measurement {
  var workload: String
  /// How far the guest's time-stamp counter went.
  var ticks: UInt64
  /// What the workload computed: the same everywhere, or something is wrong.
  var checksum: String
  /// Host time from the line that begins it to the line that ends it.
  var seconds: Double
}

/// What one run of the guest on one emulator gave.
struct Outcome {
  var emulator: String
  /// Why there is nothing to show, when there isn't.
  var note: String?
  var measurements: [Measurement] = []
  /// Peak resident memory of the emulator's process, KiB.
  var peakKiB: Int?

  /// Of two runs of the same work, the faster time of each workload.
  func faster(of other: Outcome) throws(BenchError) -> Outcome {
    var result = self
    guard measurements.map(\.workload) == other.measurements.map(\.workload) else {
      throw .malformedLine(emulator, line: "another list of workloads on the second run")
    }
    for (index, theirs) in other.measurements.enumerated() {
      guard theirs.checksum == measurements[index].checksum else {
        throw .unsteady(emulator, workload: theirs.workload)
      }
      if theirs.seconds < measurements[index].seconds { result.measurements[index] = theirs }
    }
    result.peakKiB = [peakKiB, other.peakKiB].compactMap { $0 }.max()
    return result
  }
}

/// Makes measurements of the guest's console, line by line.
struct ConsoleReader {
  let emulator: String
  private(set) var measurements: [Measurement] = []
  private(set) var isComplete = false
  private var begun: (workload: Substring, at: ContinuousClock.Instant)?

  init(emulator: String) {
    self.emulator = emulator
  }

  /// Takes a line and when it came. Lines that aren't the guest's (a firmware's greeting) are passed over.
  mutating func take(_ line: Substring, at now: ContinuousClock.Instant) throws(BenchError) {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\r" })
    if words.elementsEqual(["bench", "end"]) {
      isComplete = true
    } else if words.first == "bench:" {
      throw .guestComplained(emulator, line: String(line))
    } else if words.count == 2, words[1] == "begin" {
      begun = (words[0], now)
    } else if words.count == 4, words[1] == "end" {
      guard let begun, begun.workload == words[0],
        let ticks = words[2].value(of: "tsc=").flatMap({ UInt64($0, radix: 16) }),
        let checksum = words[3].value(of: "checksum=")
      else { throw .malformedLine(emulator, line: String(line)) }
      guard now > begun.at else { throw .tooShort(emulator, workload: String(words[0])) }
      let passed = (now - begun.at) / .seconds(1)
      measurements.append(
        Measurement(workload: String(words[0]), ticks: ticks, checksum: String(checksum), seconds: passed))
      self.begun = nil
    }
  }
}

extension Substring {
  /// What follows `key` in "key=value", nil when this doesn't begin with `key`.
  fileprivate func value(of key: String) -> Substring? {
    hasPrefix(key) ? dropFirst(key.count) : nil
  }
}

/// What can go wrong on the host's side, each naming the thing and what would be right.
enum BenchError: Error, CustomStringConvertible {
  case missingFile(String, remedy: String)
  case cannotStart(String, reason: String)
  case system(String, reason: String)
  case timedOut(String, seconds: Int)
  case endedEarly(String, status: String)
  case guestComplained(String, line: String)
  case malformedLine(String, line: String)
  case tooShort(String, workload: String)
  case unsteady(String, workload: String)
  case nothingMeasured(String)

  var description: String {
    switch self {
    case .missingFile(let path, let remedy): "\(path) isn't there: \(remedy) makes it"
    case .cannotStart(let program, let reason): "can't start \(program): \(reason)"
    case .system(let call, let reason): "\(call): \(reason)"
    case .timedOut(let emulator, let seconds):
      "\(emulator) gave no end after \(seconds) s (--timeout gives it more)"
    case .endedEarly(let emulator, let status): "\(emulator) ended before the guest did (\(status))"
    case .guestComplained(let emulator, let line): "the guest on \(emulator) says: \(line)"
    case .malformedLine(let emulator, let line): "not what the guest prints, from \(emulator): \(line)"
    case .tooShort(let emulator, let workload):
      "\(workload) on \(emulator) began and ended at once: it needs more work (--scale), or the output is held back"
    case .unsteady(let emulator, let workload):
      "two runs of \(workload) on \(emulator) gave different checksums"
    case .nothingMeasured(let emulator): "\(emulator) ran no workload: is --only one of the guest's?"
    }
  }
}
