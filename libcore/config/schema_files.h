#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "config/source.h"
#include "config/yaml.h"
#include "schema/documents.h"
#include "schema/schema.h"

namespace nacre::config {

/// Schemas of resources: in nacre.yaml, or in JSON and YAML files, which may refer to other files. Each file is read once.
class SchemaFiles {
 public:
  /// Relative paths are below the folder of nacre.yaml, which is what messages call `source`.
  SchemaFiles(const Source& source, const std::filesystem::path& file_name);

  struct Loaded {
    Json json;  ///< with all that it refers to in its `definitions`
    schema::Schema schema;
  };

  /// What stands at the key `schema`: a mapping, or the path of a file. All mistakes in it and in the files are reported, and
  /// then LoadError is thrown; warnings are told.
  Loaded read(const Value& value);

  /// All files that were read, by URI: what the configuration consists of besides nacre.yaml.
  Value files() const;

 private:
  struct File {
    std::string text;
    std::unique_ptr<Source> source;
    Value value;
  };
  /// A file, or what is wrong with it: the end of "refers to …". What is wrong in it is reported.
  Result<const File*> open(const std::string& uri);
  void tell(const Value& root, const schema::Documents& documents, const schema::Report& report) const;

  const Source& source_;
  std::string uri_;  ///< of nacre.yaml
  std::map<std::string, File> files_;
  std::map<std::string, Failure> failures_;
};

}  // namespace nacre::config
