import Emulator
import IA32

/// Why the way into a handler failed: the empty gate, the stack of the inner ring, the push.
struct DeliveryCause {
  private let machine: Machine
  private let describe: (UInt32) -> String

  init(_ machine: Machine, describe: @escaping (UInt32) -> String) {
    self.machine = machine
    self.describe = describe
  }

  /// Such as "#UD" or "interrupt 20h".
  static func name(_ vector: UInt8) -> String {
    guard vector < 32, let exception = ExceptionVector(rawValue: vector) else {
      return "interrupt \(hexadecimal(UInt64(vector), digits: 2))h"
    }
    return exception.mnemonic
  }

  /// Sentences about a fault that the way into a handler raised.
  func lines(_ entry: FaultHistory.Entry, _ delivery: FaultHistory.Delivery) -> [String] {
    switch delivery.step {
    case .gate: gate(delivery.vector, entry)
    case .handler: handler(delivery.vector, entry)
    case .innerStack: innerStack(entry)
    case .push: push(delivery.vector, entry)
    case .task: task(delivery.vector, entry)
    }
  }

  // MARK: The vector table

  private func gate(_ vector: UInt8, _ entry: FaultHistory.Entry) -> [String] {
    let table = machine.systemTables.idt
    let isProtected = CR0(rawValue: machine.registers.cr0).contains(.protectionEnable)
    let bytes: UInt32 = isProtected ? 8 : 4
    let offset = UInt32(vector) * bytes
    let name = "entry \(vector) of the IDT"
    var lines: [String] = []
    if machine.hasInterruptTableOfReset, isProtected {
      lines.append(
        "no LIDT was executed: IDTR still is what the boot left, base 00000000 and limit ffff  [SDM 3A 6.10]")
    }
    guard offset + bytes - 1 <= UInt32(table.limit) else {
      return lines + [
        "the IDT at \(LinearAddress(table.base)) has the limit \(hexadecimal(UInt64(table.limit), digits: 4)): there is no \(name)  [SDM 3A 6.10]"
      ]
    }
    let place = table.base &+ offset
    if entry.vector == .pageFault {
      return lines + ["\(name), at \(LinearAddress(place)), can't be read  [SDM 3A 6.10]"]
    }
    guard isProtected, let bytes = try? MemoryView(machine, .processor).read(UInt64(place), count: 8) else {
      return lines
    }
    let value = MemoryView.value(bytes[...])
    let gate = Descriptor(value)
    let shown = "\(name), at \(LinearAddress(place)), is \(hexadecimal(value, digits: 16))"
    if value == 0 {
      lines.append(
        "\(name), at \(LinearAddress(place)), is empty: no gate was set for \(Self.name(vector))  [SDM 3A 6.11]"
      )
    } else if gate.isCodeOrData || !Self.gateTypes.contains(gate.type) {
      lines.append("\(shown): not a gate, its type is \(gate.type)  [SDM 3A 6.11]")
    } else if !gate.isPresent {
      lines.append("\(shown): P (bit 47) is clear  [SDM 3A 6.11]")
    } else if gate.privilegeLevel < machine.privilegeLevel {
      lines.append(
        "\(shown): its DPL is \(gate.privilegeLevel), and INT was executed at CPL \(machine.privilegeLevel)  [SDM 3A 6.12.1.2]"
      )
    }
    return lines
  }

  /// Task, interrupt and trap gates. SDM vol. 3A, table 3-2.
  private static let gateTypes: Set<UInt8> = [5, 6, 7, 14, 15]

  // MARK: The task

  private func task(_ vector: UInt8, _ entry: FaultHistory.Entry) -> [String] {
    let selector = entry.errorCode & 0xfffc
    let named = selector == 0 ? "" : " for selector \(hexadecimal(UInt64(selector), digits: 4))"
    return [
      "the gate of \(Self.name(vector)) is a task gate, and the switch to its task raised \(entry.vector.mnemonic)\(named)  [SDM 3A 7.3]"
    ]
  }

  // MARK: The handler

  private func handler(_ vector: UInt8, _ entry: FaultHistory.Entry) -> [String] {
    let selector = entry.errorCode & 0xfff8
    guard selector != 0 else {
      return [
        "the gate of \(Self.name(vector)) leads to the null selector, or beyond its code segment's limit  [SDM 3A 6.12.1]"
      ]
    }
    let table = entry.errorCode & 4 != 0 ? "the LDT" : "the GDT"
    return [
      "the gate of \(Self.name(vector)) leads to selector \(hexadecimal(UInt64(selector), digits: 4)), entry \(selector >> 3) of \(table), which is not a code segment that a handler can run in  [SDM 3A 6.12.1]"
    ]
  }

  // MARK: The stack

  private func innerStack(_ entry: FaultHistory.Entry) -> [String] {
    let task = machine.systemTables.task
    guard task.selector & 0xfffc != 0 else {
      return ["the handler's ring needs a stack from the TSS, and no LTR was executed  [SDM 3A 6.12.1]"]
    }
    var lines = [
      "the handler's ring needs a stack from the TSS at \(LinearAddress(task.base)), selector \(hexadecimal(UInt64(task.selector), digits: 4))  [SDM 3A 6.12.1]"
    ]
    if let bytes = try? MemoryView(machine, .processor).read(UInt64(task.base &+ 4), count: 6) {
      let pointer = MemoryView.value(bytes[0..<4])
      let segment = MemoryView.value(bytes[4..<6])
      lines.append("SS0:ESP0 there is \(hexadecimal(segment, digits: 4)):\(hexadecimal(pointer, digits: 8))")
    }
    return lines
  }

  private func push(_ vector: UInt8, _ entry: FaultHistory.Entry) -> [String] {
    let registers = machine.registers
    let target =
      entry.vector == .pageFault
      ? "at \(describe(entry.cr2))"
      : "beyond the limit of SS, \(hexadecimal(UInt64(registers[SegmentRegister.ss].limit), digits: 8))"
    return [
      "the push of \(Self.name(vector))'s frame \(target) failed: \(StackPlace(machine, describe: describe).sentence)  [SDM 3A 6.12.1]"
    ]
  }
}
