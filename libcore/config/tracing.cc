#include "config/tracing.h"

#include "config/reader.h"
#include "config/scalar.h"
#include "config/web_address.h"

namespace nacre::config {

Tracing read_tracing(const Source& source, const Member& member) {
  constexpr std::string_view kCollectors = "allowed: http:// or https://, a host and a port, as in http://collector:4318";
  const Reader reader(source, member.value, member.mark, {"otlp", "sample"});
  source.warn(member.mark, "tracing is checked, but nothing is sent yet", "$nacre_trace_id logs the trace of a request");
  Tracing tracing;
  const auto& otlp = reader.require("otlp", kCollectors);
  reader.string("otlp", tracing.otlp, kCollectors);
  if (!parse_web_address(otlp.value.text)) source.report(otlp.value.mark, "otlp: it is no address of a collector", kCollectors);
  if (const auto* sample = reader.find("sample")) {
    const auto number = parse_plain(sample->value.text);
    const auto share = number && number->is_double()  ? number->get_double()
                       : number && number->is_int64() ? static_cast<double>(number->get_int64())
                                                      : -1.0;
    if (share < 0 || share > 1) reader.report(*sample, "no share", "allowed: 0 to 1, as in 0.01");
    tracing.sample = share;
  }
  return tracing;
}

}  // namespace nacre::config
