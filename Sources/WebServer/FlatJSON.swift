import Foundation

/// An object of JSON with strings and booleans in it: all that the page sends.
struct FlatJSON {
  private let members: [String: String]

  /// nil for anything else than an object. Members of other kinds are left out.
  init?(_ text: String) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      return nil
    }
    members = object.compactMapValues { value in
      if let text = value as? String { return text }
      return (value as? Bool).map { $0 ? "true" : "false" }
    }
  }

  subscript(name: String) -> String? { members[name] }
}
