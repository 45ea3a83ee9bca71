import { describeRefresh } from "./servicesBySsh.ts";

describeRefresh([10]);
