import Foundation
import Testing

@Suite("Layers of the emulator")
struct LayerTests {
  /// From the bottom up: a room may name the types of those before it. The drawing is in docs/architecture.md.
  static let order = [
    "Archive", "Walks", "Observation", "Memory", "Timing", "Board", "Devices", "Paging", "CPU", "Machine",
    "History",
  ]

  /// What goes against the order all the same, type by type.
  static let exceptions: [RoomGraph.Edge: Set<String>] = [
    // The paging unit reads and writes CR0, CR3, CR4, EFER, the PDPTE registers and CPL where the instructions do: in the
    // processor's one state.
    RoomGraph.Edge(from: "Paging", to: "CPU"): ["CPUState"]
  ]

  /// Read once: taking all sources apart takes seconds.
  static let emulator = Result {
    try RoomGraph(
      folder: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Sources/Emulator").standardized)
  }

  /// The edges that go against the order, but for exceptions, in words.
  static func violations(of graph: RoomGraph) -> [String] {
    graph.edges.flatMap { edge, types -> [String] in
      guard let from = order.firstIndex(of: edge.from), let to = order.firstIndex(of: edge.to) else {
        return ["\(edge.from) or \(edge.to) is not in the order"]
      }
      guard to > from else { return [] }
      return types.filter { !(exceptions[edge]?.contains($0.key) ?? false) }
        .map { "\($0.value) names \($0.key), which is in \(edge.to)" }
    }.sorted()
  }

  @Test("A room names only types of the rooms below it")
  func directions() throws {
    let graph = try Self.emulator.get()
    #expect(graph.rooms == Set(Self.order))
    #expect(Self.violations(of: graph) == [])
  }

  @Test("Each exception is still needed")
  func exceptionsAreUsed() throws {
    let graph = try Self.emulator.get()
    for (edge, types) in Self.exceptions {
      #expect(types.isSubset(of: Set(graph.edges[edge, default: [:]].keys)), "\(edge.from) to \(edge.to)")
    }
  }

  @Test("A type of a room above is found, in comments and strings it is not")
  func violationIsFound() {
    let graph = RoomGraph(files: [
      "Memory/RAM.swift": "struct RAM {\n  let unit: PagingUnit\n}\n",
      "Paging/Unit.swift": "public final class PagingUnit {\n  let memory: RAM\n}\n",
      "Timing/Clock.swift": "// PagingUnit\nlet name = \"PagingUnit\"\n",
    ])
    #expect(
      Self.violations(of: graph) == ["Memory/RAM.swift names PagingUnit, which is in Paging"])
  }
}
