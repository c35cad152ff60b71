// The parts of ECharts that the pages use. The tooltip must be asked for with renderMode "richText": its HTML form sets
// style attributes, which the content security policy forbids.
import { BarChart, LineChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendPlainComponent,
  TooltipComponent,
} from "echarts/components";
import { use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, TooltipComponent, LegendPlainComponent, DatasetComponent, AriaComponent, SVGRenderer]);

export { init } from "echarts/core";
