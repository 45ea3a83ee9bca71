import { describeRefresh } from "../host/servicesBySsh.ts";

describeRefresh([30, 100]);
