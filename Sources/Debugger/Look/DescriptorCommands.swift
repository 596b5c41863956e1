import Emulator
import IA32
import Reports

/// Descriptor tables, the task state, and the stack.
enum DescriptorCommands {
  static let all: [Command] = [
    Command(
      ["info idt"], .look, "the gates of the interrupt descriptor table, or one of them",
      usage: "info idt [VECTOR]", example: "info idt 14", completion: .expression
    ) { session, arguments throws(ShellError) in
      let idt = session.machine.systemTables.idt
      return try list(session, arguments, "IDT", idt.base, UInt32(idt.limit), isGates: true)
    },
    Command(
      ["info gdt"], .look, "the descriptors of the global descriptor table, or one of them",
      usage: "info gdt [INDEX]", example: "info gdt 1", completion: .expression
    ) { session, arguments throws(ShellError) in
      let gdt = session.machine.systemTables.gdt
      return try list(session, arguments, "GDT", gdt.base, UInt32(gdt.limit), isGates: false)
    },
    Command(
      ["info ldt"], .look, "the descriptors of the local descriptor table, or one of them",
      usage: "info ldt [INDEX]", example: "info ldt", completion: .expression
    ) { session, arguments throws(ShellError) in
      let ldt = session.machine.systemTables.ldt
      guard ldt.access & 0x80 != 0, ldt.selector & 0xfffc != 0 else {
        throw ShellError("LDTR holds a null selector: there is no local descriptor table")
      }
      return try list(session, arguments, "LDT", ldt.base, min(ldt.limit, 0xffff), isGates: false)
    },
    Command(
      ["info tss"], .look, "the task register and the task state that it points to", usage: "info tss",
      example: "info tss", action: taskState),
    Command(
      ["print-stack", "stack"], .look, "the doublewords from ESP on, with the symbols that they point to",
      usage: "print-stack [COUNT]", example: "print-stack 8", action: stack),
  ]

  private static func list(
    _ session: DebuggerSession, _ arguments: Arguments, _ name: String, _ base: UInt32, _ limit: UInt32,
    isGates: Bool
  ) throws(ShellError) -> Answer {
    let count = (limit &+ 1) / 8
    var wanted: [UInt32] = Array(0..<count)
    var isOne = false
    if !arguments.isEmpty {
      let value = try session.evaluate(arguments.text)
      guard let index = UInt32(exactly: value), index < count else {
        throw ShellError(
          "the \(name) at \(LinearAddress(base)) has \(count) entries: there is none of number \(value)")
      }
      wanted = [index]
      isOne = true
    }
    let view = MemoryView(session.machine, .processor)
    var table = Table(
      [
        .init("index", "#", right: true), .init("type"), .init("target", isGates ? "handler" : "base"),
        .init("limit", isGates ? "" : "limit"), .init("level", "DPL", right: true),
        .init("selector", isGates ? "selector" : ""),
        .init("symbol", ""),
      ], empty: "the \(name) at \(LinearAddress(base)) holds nothing but empty entries")
    for index in wanted {
      let bytes: [UInt8]
      do throws(ReportError) {
        bytes = try view.read(UInt64(base &+ index * 8), count: 8)
      } catch {
        table.rows.append([
          .number(UInt64(index)), .text("<\(error.message)>"), .none, .none, .none, .none, .none,
        ])
        break
      }
      let descriptor = Descriptor(MemoryView.value(bytes[...]))
      guard isOne || descriptor.rawValue != 0 else { continue }
      table.rows.append(row(session, index, descriptor))
    }
    return Answer(table)
  }

  private static func row(_ session: DebuggerSession, _ index: UInt32, _ descriptor: Descriptor) -> [Table
    .Cell]
  {
    let absent = descriptor.isPresent ? "" : " (not present)"
    let level = Table.Cell.number(UInt64(descriptor.privilegeLevel))
    if !descriptor.isCodeOrData, let gate = gateName(descriptor.type) {
      let isWide = descriptor.type & 8 != 0
      let offset = isWide ? descriptor.gateOffset : descriptor.gateOffset & 0xffff
      let selector = UInt64(descriptor.gateSelector.rawValue)
      return [
        .number(UInt64(index)), .text(gate + absent), .linear(offset), .none, level,
        .init(hexadecimal(selector, digits: 4), .hex(selector, digits: 4)),
        session.shortSymbol(offset).map { .text($0) } ?? .none,
      ]
    }
    return [
      .number(UInt64(index)), .text(segmentName(descriptor) + absent), .linear(descriptor.base),
      .linear(descriptor.limit), level, .none,
      session.shortSymbol(descriptor.base).map { .text($0) } ?? .none,
    ]
  }

  /// SDM vol. 3A, table 3-2.
  private static func gateName(_ type: UInt8) -> String? {
    switch type {
    case SystemDescriptorType.callGate16: "16-bit call gate"
    case SystemDescriptorType.taskGate: "task gate"
    case SystemDescriptorType.interruptGate16: "16-bit interrupt gate"
    case SystemDescriptorType.trapGate16: "16-bit trap gate"
    case 12: "call gate"
    case 14: "interrupt gate"
    case 15: "trap gate"
    default: nil
    }
  }

  /// SDM vol. 3A, tables 3-1 and 3-2.
  private static func segmentName(_ descriptor: Descriptor) -> String {
    if descriptor.rawValue == 0 { return "empty" }
    if descriptor.isCode {
      return "code\(descriptor.is32Bit ? "" : " 16-bit")\(descriptor.isReadable ? " readable" : "")"
        + (descriptor.isConforming ? " conforming" : "")
    }
    if descriptor.isData {
      return "data\(descriptor.is32Bit ? "" : " 16-bit")\(descriptor.isWritable ? " writable" : "")"
        + (descriptor.isExpandDown ? " expand-down" : "")
    }
    switch descriptor.type {
    case SystemDescriptorType.availableTSS16: return "16-bit TSS"
    case SystemDescriptorType.busyTSS16: return "16-bit TSS, busy"
    case SystemDescriptorType.ldt: return "LDT"
    case SystemDescriptorType.availableTSS32: return "TSS"
    case 11: return "TSS, busy"
    default: return "reserved type \(descriptor.type)"
    }
  }

  // MARK: The task state

  /// SDM vol. 3A, figure 7-2.
  private static let fields: [(name: String, offset: UInt32)] = [
    ("link", 0), ("esp0", 4), ("ss0", 8), ("esp1", 12), ("ss1", 16), ("esp2", 20), ("ss2", 24), ("cr3", 28),
    ("eip", 32), ("eflags", 36), ("eax", 40), ("ecx", 44), ("edx", 48), ("ebx", 52), ("esp", 56), ("ebp", 60),
    ("esi", 64), ("edi", 68), ("es", 72), ("cs", 76), ("ss", 80), ("ds", 84), ("fs", 88), ("gs", 92),
    ("ldt", 96), ("iomap", 100),
  ]

  private static func taskState(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError)
    -> Answer
  {
    try arguments.expectNothing()
    let task = session.machine.systemTables.task
    guard task.access & 0x80 != 0, task.selector & 0xfffc != 0 else {
      throw ShellError("TR holds a null selector: no task state has been loaded")
    }
    let isWide = task.access & 8 != 0
    var table = Table([.init("field", ""), .init("value", "")], empty: "")
    table.rows.append([
      .text("selector"),
      .init(hexadecimal(UInt64(task.selector), digits: 4), .hex(UInt64(task.selector), digits: 4)),
    ])
    table.rows.append([.text("base"), .linear(task.base)])
    table.rows.append([.text("limit"), .linear(task.limit)])
    guard isWide else {
      table.rows.append([.text("type"), .text("16-bit")])
      return Answer(table)
    }
    let view = MemoryView(session.machine, .processor)
    for field in fields where field.offset &+ 3 <= task.limit {
      do throws(ReportError) {
        var value = try view.load32(task.base &+ field.offset)
        if field.name == "iomap" { value >>= 16 }
        table.rows.append([.text(field.name), .linear(value)])
      } catch {
        table.rows.append([.text(field.name), .text("<\(error.message)>")])
        break
      }
    }
    return Answer(table)
  }

  // MARK: The stack

  private static let maxStackWords: UInt64 = 4096

  private static func stack(_ session: DebuggerSession, _ arguments: Arguments) throws(ShellError) -> Answer {
    let count = min(try arguments.count(default: 16), maxStackWords)
    let registers = session.machine.registers
    let start = try session.frame().general[4] ?? registers[GeneralRegister.esp]
    let view = MemoryView(session.machine, .processor)
    var table = Table(
      [.init("address", ""), .init("offset", ""), .init("value", ""), .init("symbol", "")], empty: "")
    for index in 0..<UInt32(count) {
      let offset = registers[SegmentRegister.ss].base &+ start &+ index * 4
      do throws(ReportError) {
        let value = try view.load32(offset)
        table.rows.append([
          .linear(offset), .text("esp+0x" + String(index * 4, radix: 16)), .linear(value),
          session.shortSymbol(value).map { .text($0) } ?? .none,
        ])
      } catch {
        guard !table.rows.isEmpty else { throw error }
        break
      }
    }
    return Answer(table)
  }
}
