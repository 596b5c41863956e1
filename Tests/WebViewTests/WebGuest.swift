import Debugger
import Emulator
import Foundation
import GuestImages
import Reports
import Testing

@testable import WebServer
@testable import WebView

/// A guest of `make images` with a page that listens to it.
struct WebGuest {
  let source: PageSource
  var session: DebuggerSession { source.session }

  init(_ name: String, mebibytes: UInt64 = 64) throws {
    let folder = URL(filePath: #filePath).appending(path: "../../../.build/images").standardized
    try self.init(GuestImage(reading: folder.appending(path: name + ".elf").path), mebibytes: mebibytes)
  }

  init(_ image: GuestImage, mebibytes: UInt64 = 16) throws {
    let memory = try MemoryMap(bytes: mebibytes << 20)
    let plan = try BootPlan(image: image, commandLine: "", modules: [], memory: memory.bootRegions)
    let machine = try Machine(
      MachineConfiguration(
        memoryBytes: memory.bytes, rom: BootROM.image(handover: plan.handover), timing: .functional))
    try plan.load(into: machine.memory)
    source = PageSource(DebuggerSession(machine: machine, image: image))
  }

  /// What the JSON interface answers, read again by another reader.
  static func read(_ value: JSONValue) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(value.text.utf8), options: .fragmentsAllowed)
  }
}

/// A path through an object that was read: `at(object, "stories", 0, "linear")`.
func at(_ object: Any?, _ path: Any...) -> Any? {
  path.reduce(object) { object, key in
    switch key {
    case let key as String: (object as? [String: Any])?[key]
    case let index as Int: (object as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }
    default: nil
    }
  }
}

func number(_ object: Any?, _ path: Any...) -> Int? {
  (path.reduce(object) { at($0, $1) } as? NSNumber)?.intValue
}

func string(_ object: Any?, _ path: Any...) -> String? { path.reduce(object) { at($0, $1) } as? String }

func list(_ object: Any?, _ path: Any...) -> [Any] { path.reduce(object) { at($0, $1) } as? [Any] ?? [] }
