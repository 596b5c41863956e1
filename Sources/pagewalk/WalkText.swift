import Emulator
import IA32

/// A page walk in words, a line each step.
enum WalkText {
  /// The walk that a page fault's access would make now.
  static func lines(of machine: Machine, _ fault: FaultHistory.Entry) -> [String] {
    let code = PageFaultErrorCode(rawValue: fault.errorCode)
    let kind: PageAccess.Kind =
      code.contains(.instructionFetch) || fault.cr2 == fault.eip ? .fetch : code.contains(.write) ? .write : .read
    let result = machine.walk(LinearAddress(fault.cr2), PageAccess(kind, user: code.contains(.user)))
    return result.steps.map { line($0, linear: fault.cr2) }
  }

  private static func line(_ step: PageWalk.Step, linear: UInt32) -> String {
    let name: String
    switch step.level {
    case .pdpte: name = "PDPTE[\(linear >> 30)]"
    case .pde: name = "PDE"
    case .pte: name = "PTE"
    }
    let place = step.address.map { "at \(PhysicalAddress($0))" } ?? "in its register"
    let padded = name + String(repeating: " ", count: max(0, 9 - name.count))
    return "\(padded)\(place)  \(hexadecimal(step.value, digits: 16))  \(meaning(step.verdict))"
  }

  private static func meaning(_ verdict: PageWalk.Verdict) -> String {
    switch verdict {
    case .references: "points to the next level"
    case .maps: "maps the page"
    case .notPresent: "not present (P is 0)"
    case .reservedBits(let bits): "reserved bits set: \(hexadecimal(bits, digits: 1))"
    case .forbidden(.user): "a supervisor page, and a user access"
    case .forbidden(.userWrite): "read-only, and a user write"
    case .forbidden(.supervisorWrite): "read-only, and a supervisor write under CR0.WP"
    case .forbidden(.execute): "no execution (NX), and a fetch"
    case .updated: "A and D set"
    }
  }
}
